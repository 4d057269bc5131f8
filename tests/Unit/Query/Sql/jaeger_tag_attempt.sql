SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND (((((mapContains(common_string_attributes, {p1:String}) AND common_string_attributes[{p1:String}] = {p2:String}) OR (mapContains(string_attributes, {p1:String}) AND string_attributes[{p1:String}] = {p2:String}) OR has(other_attributes, concat(unhex('676781C38D68431273'), {p2:String}))) OR ((mapContains(int_attributes, {p1:String}) AND int_attributes[{p1:String}] = {p3:Int64}) OR (mapContains(double_attributes, {p1:String}) AND double_attributes[{p1:String}] = {p3:Int64}) OR hasAny(other_attributes, [unhex('676781C38D6843126932'), unhex('676781C38D6843126432')]))) OR (NOT (mapContains(common_string_attributes, {p1:String}) OR mapContains(string_attributes, {p1:String}) OR mapContains(bool_attributes, {p1:String}) OR mapContains(int_attributes, {p1:String}) OR mapContains(double_attributes, {p1:String}) OR has(other_attributes, unhex('676781C38D684312'))) AND resource_hash IN (SELECT hash
FROM resources
WHERE tenant = {p0:String} AND (((mapContains(string_attributes, {p1:String}) AND string_attributes[{p1:String}] = {p2:String}) OR has(other_attributes, concat(unhex('676781C38D68431273'), {p2:String}))) OR ((mapContains(int_attributes, {p1:String}) AND int_attributes[{p1:String}] = {p3:Int64}) OR (mapContains(double_attributes, {p1:String}) AND double_attributes[{p1:String}] = {p3:Int64}) OR hasAny(other_attributes, [unhex('676781C38D6843126932'), unhex('676781C38D6843126432')])))))) OR (position(remainder, unhex({p4:String})) > 0 OR position(remainder, unhex({p5:String})) > 0)) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = attempt
-- p2 = 2
-- p3 = 2
-- p4 = 1A0E0A07617474656D707412030A0132
-- p5 = 1A0D0A07617474656D707412021802
