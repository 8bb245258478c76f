import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { JsonValue } from './parse-strict.ts';

/**
 * The one spelling of a value (RFC 8785). Only for values that parseStrict read or that we made: canonicalize itself lets
 * distinct inputs meet (unsafe integers, duplicate keys, undefined), which is why nothing else may reach it.
 */
export function canonicalText(value: JsonValue): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('a JSON value always has a canonical text');
  return text;
}

/**
 * What an approval is bound to: this tool by its pinned definition, where it is reached and with which credential, and exactly these argument bytes. The text is the canonical
 * form of {arguments, definition, destination, tool}, put together from parts that are canonical already; with `inputs` where a server's questions are answered.
 */
export function callDigest(
  tool: string,
  definitionHash: string,
  canonicalArguments: string,
  destination = '',
  canonicalInputs?: string,
): Uint8Array {
  const inputs = canonicalInputs === undefined ? '' : `"inputs":${canonicalInputs},`;
  const text = `{"arguments":${canonicalArguments},"definition":${JSON.stringify(definitionHash)},"destination":${JSON.stringify(destination)},${inputs}"tool":${JSON.stringify(tool)}}`;
  return hash('sha256', text, 'buffer');
}
