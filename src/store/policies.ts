import { call, callOne, type Store } from './pool.ts';
import { int, intOrUndefined, json, present, type Row, text, textOrUndefined, word } from './row.ts';
import { storeError } from './store-error.ts';

/** File name to text. */
type Files = Readonly<Record<string, string>>;

export interface ActivePolicies {
  readonly activation: number;
  readonly version: string;
  readonly files: Files;
}

export interface PolicyActivation {
  readonly activation: number;
  readonly version: string;
  readonly activatedBy: string;
  readonly secondedBy?: string;
  readonly reason: string;
  readonly activatedAt: string;
}

/** The set that was activated last; undefined if none ever was. */
export async function activePolicies(store: Store): Promise<ActivePolicies | undefined> {
  const query = 'SELECT activation, version, files FROM estop.active_policies()';
  const [row] = await call(store, 'active_policies', query, []);
  if (row === undefined) return undefined;
  return { activation: int(row, 'activation'), version: text(row, 'version'), files: filesIn(row) };
}

export type ActivateOutcome =
  | { readonly kind: 'activated' | 'already'; readonly activation: number }
  /** Recorded; another person must want the same within 15 minutes. */
  | { readonly kind: 'needs-second-person' }
  /** Somebody else activated a set that the caller has not seen. */
  | { readonly kind: 'overtaken' };

/** The caller has checked the set. `after`: the activation that it saw in force, 0 for none. */
export async function activatePolicies(
  store: Store,
  wanted: {
    readonly version: string;
    readonly files: Files;
    readonly actor: string;
    readonly reason: string;
    readonly after: number;
    readonly twoPeople: boolean;
    /** Every name that the actor goes by: where two must want it, all of them are one person. */
    readonly names?: readonly string[];
  },
): Promise<ActivateOutcome> {
  const { version, files, actor, reason, after, twoPeople, names = [] } = wanted;
  const row = await callOne(
    store,
    'activate_policies',
    'SELECT outcome, activation FROM estop.activate_policies($1, $2, $3, $4, $5, $6, $7)',
    [version, JSON.stringify(files), actor, reason, after, twoPeople, names],
  );
  const kind = word(row, 'outcome', ['activated', 'already', 'needs-second-person', 'overtaken'] as const);
  switch (kind) {
    case 'activated':
    case 'already':
      return { kind, activation: intOrUndefined(row, 'activation') ?? after };
    case 'needs-second-person':
    case 'overtaken':
      return { kind };
  }
}

/** Newest first. */
export async function listPolicyActivations(store: Store, limit: number): Promise<readonly PolicyActivation[]> {
  const query = 'SELECT * FROM estop.policy_activations ORDER BY activation DESC LIMIT $1';
  return (await call(store, 'policy_activations', query, [limit])).map((row) => ({
    activation: int(row, 'activation'),
    version: text(row, 'version'),
    activatedBy: text(row, 'activated_by'),
    reason: text(row, 'reason'),
    activatedAt: text(row, 'activated_at'),
    ...present({ secondedBy: textOrUndefined(row, 'seconded_by') }),
  }));
}

export interface PolicyProposal {
  readonly version: string;
  readonly files: Files;
  readonly proposedBy: string;
  readonly reason?: string;
  readonly proposedAt: string;
  /** Until then the word of whoever proposed it holds. */
  readonly endsAt: string;
}

/** What one person wants and another could put in force now: what was activated since was decided by somebody who did not know of it. */
export async function openPolicyProposals(store: Store): Promise<readonly PolicyProposal[]> {
  const query = `SELECT c.version, v.files, c.actor, c.at, c.at + interval '15 minutes' AS ends_at,
      (SELECT a.reason FROM estop.audit a WHERE a.subject = 'policy:' || c.version AND a.kind = 'policy.proposed' AND a.actor = c.actor
        ORDER BY a.seq DESC LIMIT 1) AS reason
    FROM estop.policy_consents c JOIN estop.policy_versions v USING (version)
    WHERE c.at BETWEEN clock_timestamp() - interval '15 minutes' AND clock_timestamp()
      AND c.after = coalesce((SELECT max(activation) FROM estop.policy_activations), 0)
    ORDER BY c.at DESC LIMIT 20`;
  return (await call(store, 'open_policy_proposals', query, [])).map((row) => ({
    version: text(row, 'version'),
    files: filesIn(row),
    proposedBy: text(row, 'actor'),
    proposedAt: text(row, 'at'),
    endsAt: text(row, 'ends_at'),
    ...present({ reason: textOrUndefined(row, 'reason') }),
  }));
}

/** Undefined if no set of that version was ever in force. One that somebody merely proposed is recorded as well, and is no earlier one. */
export async function earlierPolicies(store: Store, version: string): Promise<Files | undefined> {
  const query = `SELECT v.files FROM estop.policy_versions v WHERE v.version = $1
    AND EXISTS (SELECT FROM estop.policy_activations a WHERE a.version = v.version)`;
  const [row] = await call(store, 'earlier_policies', query, [version]);
  return row === undefined ? undefined : filesIn(row);
}

/** What policies are checked against: the arguments of every tool, in the definition that is accepted. */
export async function acceptedTools(
  store: Store,
): Promise<readonly { readonly serverId: string; readonly name: string; readonly inputSchema: unknown }[]> {
  const query = `SELECT server_id, tool, definition::jsonb -> 'inputSchema' AS input_schema FROM estop.tool_pins
    WHERE state = 'accepted' ORDER BY server_id, tool`;
  return (await call(store, 'accepted_tools', query, [])).map((row) => ({
    serverId: text(row, 'server_id'),
    name: text(row, 'tool'),
    inputSchema: json(row, 'input_schema'),
  }));
}

function filesIn(row: Row): Files {
  const value = json(row, 'files');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw storeError({ code: 'XX000' });
  const entries = Object.entries(value).map(([name, held]: [string, unknown]): [string, string] => {
    if (typeof held !== 'string') throw storeError({ code: 'XX000' });
    return [name, held];
  });
  return Object.fromEntries(entries);
}
