import { readFileSync } from 'node:fs';
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { EstopConfig } from '../../contract/config.ts';
import { EstopError } from '../../core/errors.ts';
import { hasCode } from '../has-code.ts';
import { type ConfigProblem, problemsOf } from './problems-of.ts';
import { EstopYaml, resolveConfig } from './schema.ts';

export interface ConfigFault {
  readonly line: number;
  readonly column: number;
  /** Where in the document, as `agents.billing-bot.model`. */
  readonly where: string;
  readonly message: string;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: EstopConfig }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

const maxBytes = 1024 * 1024;

/** Parses estop.yaml whole or not at all. Every fault has a line, a column and a sentence that says what would be right. */
export function parseConfig(text: string): ConfigResult {
  if (Buffer.byteLength(text) > maxBytes) return fault('', 'the file is larger than 1 MiB');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, merge: false });
  if (document.errors.length > 0) {
    return {
      ok: false,
      faults: document.errors.map((error) => {
        const at = lines.linePos(error.pos[0]);
        return {
          line: at.line,
          column: at.col,
          where: '',
          message: error.message.replace(/ at line \d+, column \d+:[^]*/, ''),
        };
      }),
    };
  }
  const poisoned = findPoisonedKey(document, lines) ?? findWrittenOutPassword(document, lines);
  if (poisoned !== undefined) return { ok: false, faults: [poisoned] };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 50 });
  } catch {
    return fault('', 'aliases expand too far');
  }
  const located = (problem: ConfigProblem): ConfigFault => ({
    ...locate(document, lines, problem.path),
    where: problem.path.join('.'),
    message: problem.message,
  });
  const parsed = EstopYaml.safeParse(value ?? {});
  if (!parsed.success)
    return { ok: false, faults: problemsOf(parsed.error.issues, EstopYaml).map(located).toSorted(byPlace) };
  const { config, problems } = resolveConfig(parsed.data);
  return problems.length === 0 ? { ok: true, config } : { ok: false, faults: problems.map(located).toSorted(byPlace) };
}

/** As a person goes through the file. */
const byPlace = (one: ConfigFault, other: ConfigFault): number => one.line - other.line || one.column - other.column;

export function loadConfig(path: string): ConfigResult {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const why = hasCode(cause, 'ENOENT') ? 'does not exist; `estop config init` writes a first one' : 'cannot be read';
    throw new EstopError('config-invalid', { detail: `${path} ${why}`, cause });
  }
  return parseConfig(text);
}

export function loadConfigOrThrow(path: string): EstopConfig {
  const result = loadConfig(path);
  if (result.ok) return result.config;
  throw new EstopError('config-invalid', {
    detail: result.faults.map((item) => `${path}:${item.line}:${item.column} ${item.where} ${item.message}`).join('\n'),
    fields: result.faults.map((item) => ({ pointer: `/${item.where.replaceAll('.', '/')}`, message: item.message })),
  });
}

function fault(where: string, message: string): ConfigResult {
  return { ok: false, faults: [{ line: 1, column: 1, where, message }] };
}

/** A key that names an object's prototype is never a setting, and schemas drop it silently instead of refusing it. */
function findPoisonedKey(document: Document, lines: LineCounter): ConfigFault | undefined {
  let found: ConfigFault | undefined;
  visit(document, {
    Pair: (_index, pair) => {
      const { key } = pair;
      if (!isScalar(key) || !['__proto__', 'constructor', 'prototype'].includes(String(key.value))) return undefined;
      const at = lines.linePos(key.range?.[0] ?? 0);
      found = {
        line: at.line,
        column: at.col,
        where: String(key.value),
        message: 'is a key that no configuration may have',
      };
      return visit.BREAK;
    },
  });
  return found;
}

/** Whatever the address is of: the configuration is kept in the store and shown to whoever may look. */
function findWrittenOutPassword(document: Document, lines: LineCounter): ConfigFault | undefined {
  let found: ConfigFault | undefined;
  visit(document, {
    Scalar: (_index, { value, range }) => {
      if (typeof value !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*@/i.test(value)) return undefined;
      const at = lines.linePos(range?.[0] ?? 0);
      const message = 'a secret never stands here: take the user name and the password out of the address';
      found = { line: at.line, column: at.col, where: '', message };
      return visit.BREAK;
    },
  });
  return found;
}

/** The deepest node of the path that the document really has; its key where there is one, since that is what a person reads. */
function locate(
  document: Document,
  lines: LineCounter,
  path: readonly (string | number)[],
): { line: number; column: number } {
  for (let depth = path.length; depth > 0; depth--) {
    const offset = offsetOf(document, path.slice(0, depth));
    if (offset !== undefined) {
      const at = lines.linePos(offset);
      return { line: at.line, column: at.col };
    }
  }
  return { line: 1, column: 1 };
}

function offsetOf(document: Document, path: readonly (string | number)[]): number | undefined {
  const last = path.at(-1);
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    const pair = parent.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(last),
    );
    const key = pair?.key;
    return isNode(key) ? key.range?.[0] : undefined;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}
