// Says of each TraceQL query in a JSON array on standard input whether the grammar of Grafana's editor reads it without an error.
import { readFileSync } from 'node:fs';
import { parser } from '@grafana/lezer-traceql';

const isRead = query => {
  let hasError = false;
  parser.parse(query).iterate({ enter: node => { hasError ||= node.type.isError; } });
  return !hasError;
};
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(isRead)));
