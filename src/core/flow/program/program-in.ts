/** Text that a machine would run, in whatever argument it stands. Only for holding: nothing is allowed because it does not look like one. */
import { plainSql } from './plain-sql.ts';

const acts =
  /[;{}`]|\$\(|\b(?:insert\s+into|delete\s+from|drop|alter|truncate|update\s[^;]{0,200}\bset|mutation|grant|create)\b/i;
const statement =
  /^\s*(?:call\s+[\w.]+\s*\(|exec(?:ute)?\s+[\w.]+|merge\s+into\b|replace\s+into\b|copy\s+\S+\s+(?:to|from)\b|do\s+\$|pragma\s+\w|attach\s+(?:database|')|vacuum\b|set\s+[\w.@]+\s*=|lock\s+table|refresh\s+materialized|load\s+(?:data|'))/i;
const line =
  /^\s*(?:sudo|doas|rm|rmdir|mv|dd|chmod|chown|mkfs\S*|kill|killall|curl|wget|nc|bash|sh|zsh|python[\d.]*|node|perl|ruby|php|powershell|pwsh|cmd|systemctl|docker|kubectl)\s+[-/~.\w]|&&|\|\||\s\|\s*\w/i;
const asks = /^\s*(?:select|with|table|values)\b[\s\S]*(?:\bfrom\b|\binto\b|\()/i;

/** Longer than what anybody looks for, or tells in passing. */
const longest = 20_000;

export const programIn = (text: string): boolean =>
  text.length > longest ||
  acts.test(text) ||
  statement.test(text) ||
  line.test(text) ||
  (asks.test(text) && plainSql(text) === undefined);
