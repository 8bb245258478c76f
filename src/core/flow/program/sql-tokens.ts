/**
 * The tokens of an SQL text that every dialect cuts at the same places. Whatever PostgreSQL, MySQL and SQLite (or T-SQL, BigQuery,
 * DuckDB) read differently is refused: comments, backslashes, dollar quotes, brackets, prefixed strings, what a client takes for a
 * command of its own.
 */
export interface SqlToken {
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'sign';
  /** A word in small letters; of a quoted name or a string what stands between the quotes. */
  readonly text: string;
}

const longest = 4_000;
const tokens =
  /(?<space>[ \t\r\n]+)|(?<string>'(?:[^']|'')*')|"(?<name>[\p{L}\p{N}_ ]+)"|`(?<quoted>\w+)`|(?<number>\d+(?:\.\d+)?|\$\d+)|(?<word>[A-Za-z_]\w*)|(?<sign>::|@>|<@|@@|\|\||!=|!~|(?!--|\/\*|\*\/|\/\/)[(),.;*+\-/%<>=~?])/uy;
/** A backslash, what cannot be seen, and what looks like a quote and is made one when it is stored in fewer letters. */
const treacherous =
  /\\|'''|[^\P{C}\t\r\n]|[\u2028\u2029\u02b9-\u02bd\u02c8\u02ca\u02cb\u2018-\u201b\u2032\u2035\uff02\uff07]/u;
/** `.shell`, `!!dir`, `@file`, `/`: some clients look at the beginnings of lines before they look for quotes. */
const clientCommand = /(?:^|[\r\n])[ \t]*[./!@:]/;

/** None, if any part of it could be read in two ways. */
export function sqlTokens(sql: string): readonly SqlToken[] | undefined {
  if (sql.length > longest || treacherous.test(sql) || clientCommand.test(sql)) return undefined;
  const found: SqlToken[] = [];
  let touching = false;
  for (let at = 0; at < sql.length; at = tokens.lastIndex) {
    tokens.lastIndex = at;
    const groups = tokens.exec(sql)?.groups;
    if (groups === undefined) return undefined;
    const token = tokenOf(groups);
    const joins = token !== undefined && token.kind !== 'sign';
    // E'..', 1e5, a$1, 'a'b: what touches changes what the other means.
    if (joins && touching) return undefined;
    touching = joins;
    if (token !== undefined) found.push(token);
  }
  return found;
}

function tokenOf({
  string,
  name,
  quoted,
  number,
  word,
  sign,
}: Record<string, string | undefined>): SqlToken | undefined {
  if (string !== undefined) return { kind: 'string', text: string.slice(1, -1).replaceAll("''", "'") };
  if (name !== undefined) return { kind: 'name', text: name.toLowerCase() };
  // Quoted in MySQL and SQLite alone.
  if (quoted !== undefined) return { kind: 'word', text: quoted.toLowerCase() };
  if (number !== undefined) return { kind: 'number', text: number };
  if (word !== undefined) return { kind: 'word', text: word.toLowerCase() };
  return sign === undefined ? undefined : { kind: 'sign', text: sign };
}
