import { hash } from 'node:crypto';
import { type PolicyJson, policySetTextToParts, policyToJson } from '@cedar-policy/cedar-wasm/nodejs';
import { type Column, columns } from './kinds.ts';
import { oneLine } from './one-line.ts';
import { policiesFor, type Reads, readsOf } from './reads.ts';

/** File name to text. */
export type PolicyFiles = Readonly<Record<string, string>>;

export type Says = 'allow' | 'ask' | 'deny';

export interface Policy {
  readonly id: string;
  readonly says: Says;
  readonly sentence: string;
  /** The rule of the data flow that it states, so that the sentences of its findings are shown instead of its own. */
  readonly rule?: string;
  /** How many people must say yes where it asks. */
  readonly approvers: 1 | 2;
  readonly json: PolicyJson;
}

export interface PolicySet {
  /** Of the texts, so that two installations with the same files have the same version. */
  readonly version: string;
  readonly files: PolicyFiles;
  readonly policies: ReadonlyMap<string, Policy>;
  /** All that any of those looks at that can have a say: a decision is given that, and nothing else. */
  readonly reads: Readonly<Record<Column, Reads>>;
}

export interface PolicyFault {
  readonly file: string;
  readonly policy?: string;
  readonly message: string;
}

export type ParsedSet =
  | { readonly ok: true; readonly set: PolicySet }
  | { readonly ok: false; readonly faults: readonly PolicyFault[] };

const longestText = 1024 * 1024;
const mostPolicies = 1_000;
const idPattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;
const fileName = /^[a-z0-9][a-z0-9-]{0,62}\.cedar$/;

export function parsePolicySet(files: PolicyFiles): ParsedSet {
  const faults: PolicyFault[] = [];
  const policies = new Map<string, Policy>();
  const texts = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  if (texts.length === 0) faults.push({ file: '', message: 'there is no policy file, so everything would be denied' });
  if (texts.reduce((sum, [, text]) => sum + text.length, 0) > longestText)
    return { ok: false, faults: [{ file: '', message: 'the policies are longer than 1 MB' }] };
  for (const [file, text] of texts) {
    if (!fileName.test(file)) faults.push({ file, message: 'is not a name such as data-flow.cedar' });
    for (const found of policiesIn(file, text)) {
      if ('message' in found) faults.push(found);
      else if (policies.has(found.id)) faults.push({ file, policy: found.id, message: 'another policy has this id' });
      else policies.set(found.id, found);
    }
  }
  if (policies.size > mostPolicies) faults.push({ file: '', message: `there are more than ${mostPolicies} policies` });
  if (faults.length > 0) return { ok: false, faults };
  const version = hash('sha256', JSON.stringify(texts)).slice(0, 16);
  const all = [...policies.values()];
  const reads = Object.fromEntries(columns.map((column) => [column, readsOf(policiesFor(column, all))]));
  return { ok: true, set: { version, files, policies, reads: reads as PolicySet['reads'] } }; // one for each column
}

function policiesIn(file: string, text: string): readonly (Policy | PolicyFault)[] {
  const parts = policySetTextToParts(text);
  if (parts.type === 'failure')
    return parts.errors.map(({ message, sourceLocations }) => {
      const line = lineAt(text, sourceLocations?.[0]?.start);
      return { file, message: line === undefined ? message : `line ${line}: ${message}` };
    });
  if (parts.policy_templates.length > 0)
    return [{ file, message: 'templates are not supported: write the policy out' }];
  return parts.policies.map((one) => {
    const read = policyToJson(one);
    return read.type === 'failure'
      ? { file, message: read.errors.map(({ message }) => message).join('; ') }
      : describe(file, read.json);
  });
}

const lineAt = (text: string, at: number | undefined): number | undefined =>
  at === undefined ? undefined : Buffer.from(text).subarray(0, at).toString().split('\n').length;

function describe(file: string, json: PolicyJson): Policy | PolicyFault {
  const { id, rule, approvers = '1', ...others } = json.annotations ?? {};
  if (id === undefined || !idPattern.test(id) || id.startsWith('gate.'))
    return {
      file,
      message: 'a policy needs an @id("..") of letters, digits, dots and hyphens, not beginning with "gate."',
    };
  const fault = (message: string): PolicyFault => ({ file, policy: id, message });
  const said = (['allow', 'ask', 'deny'] as const).filter((word) => others[word] !== undefined);
  const [says] = said;
  if (says === undefined || said.length > 1)
    return fault(
      'needs exactly one of @allow("..") (permit), @ask("..") and @deny("..") (forbid), with its one sentence',
    );
  if ((says === 'allow') !== (json.effect === 'permit')) return fault(`a ${json.effect} cannot say @${says}`);
  const sentence = others[says] ?? '';
  if (!oneLine(sentence)) return fault(`@${says} needs one sentence of at most 200 printable characters`);
  // What asks is what a yes lets pass: without that it would deny for good, and nobody could tell why.
  if (says === 'ask' && !readsOf([{ json }]).context.has('approved'))
    return fault('@ask needs `unless { context.approved }`: nobody could ever say yes to it');
  if ((approvers !== '1' && approvers !== '2') || (approvers === '2' && says !== 'ask'))
    return fault('@approvers is "1" or "2", of a policy that asks');
  return { id, says, sentence, ...(rule === undefined ? {} : { rule }), approvers: approvers === '2' ? 2 : 1, json };
}
