-- As 0014, for resources.
ALTER TABLE resources ADD COLUMN IF NOT EXISTS other_attributes Array(String) AFTER double_attributes
