/** What policy says of one call. */
export type Outcome = 'allow' | 'ask' | 'deny';

/** One policy that decided, and its one sentence. */
export interface Reason {
  readonly policy: string;
  readonly sentence: string;
}

export interface Decision {
  readonly outcome: Outcome;
  /** Never empty: who decided, for the record of the call. */
  readonly policyIds: readonly string[];
  readonly reasons: readonly Reason[];
  /** Of a decision that asks: how many people the policies want. */
  readonly approvers: 1 | 2;
  /** Of the set of policies that decided. */
  readonly version: string;
}

/** What the gate itself decides, whatever the policies say; no policy file can use these names. */
export const ownPolicies = {
  'gate.no-permit': 'No policy permits it.',
  'gate.failed': 'The policies could not be evaluated.',
  'gate.not-loaded': 'The policies that are in force could not be loaded.',
  'gate.list-asks': "The agent's own list asks a person about this tool.",
  'gate.not-listed': "The agent's own list does not name this.",
  'gate.unknown-tool': 'The tool is not known.',
} as const;

export type OwnPolicy = keyof typeof ownPolicies;

export const decidedByGate = (outcome: Outcome, policy: OwnPolicy, version: string): Decision => ({
  outcome,
  policyIds: [policy],
  reasons: [{ policy, sentence: ownPolicies[policy] }],
  approvers: 1,
  version,
});
