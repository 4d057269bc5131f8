-- Of what is stored: the attributes that lie in columns, and of each as many values as are listed of it; of one whose values
-- are all too long, the name.
INSERT INTO attribute_values (tenant, received_day, scope, name, type, value)
SELECT tenant, received_day, 'span', name, one.1, one.2
FROM
(
    SELECT
        tenant, received_day, name,
        groupUniqArrayIf(10000)(value, length(value) <= 256) AS found,
        arrayJoin(if(empty(found), [('', '')], arrayMap(text -> (type, text), found))) AS one
    FROM
    (
        SELECT tenant, received_day, 'string' AS type, name, toString(value) AS value FROM spans ARRAY JOIN mapKeys(common_string_attributes) AS name, mapValues(common_string_attributes) AS value
        UNION ALL
        SELECT tenant, received_day, 'string', name, value FROM spans ARRAY JOIN mapKeys(string_attributes) AS name, mapValues(string_attributes) AS value
        UNION ALL
        SELECT tenant, received_day, 'bool', name, toString(value) FROM spans ARRAY JOIN mapKeys(bool_attributes) AS name, mapValues(bool_attributes) AS value
        UNION ALL
        SELECT tenant, received_day, 'int', name, toString(value) FROM spans ARRAY JOIN mapKeys(int_attributes) AS name, mapValues(int_attributes) AS value
        UNION ALL
        SELECT tenant, received_day, 'float', name, toString(value) FROM spans ARRAY JOIN mapKeys(double_attributes) AS name, mapValues(double_attributes) AS value
    )
    WHERE name != '' AND length(name) <= 256
    GROUP BY tenant, received_day, name, type
)
SETTINGS max_partitions_per_insert_block = 0, max_threads = 1, max_bytes_before_external_group_by = 134217728
