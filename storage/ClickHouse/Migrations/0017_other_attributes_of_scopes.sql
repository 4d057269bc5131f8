-- As 0014, for scopes.
ALTER TABLE scopes ADD COLUMN IF NOT EXISTS other_attributes Array(String) AFTER double_attributes
