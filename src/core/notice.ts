/**
 * What people are told, as pure rules: which events there are, who hears of which, and who is asked next while nobody has
 * acknowledged. Telling is a view of the ledger: nothing here decides anything about a stop, and nothing waits for it.
 */
export const noticeEvents = [
  'stop.latched',
  'stop.fenced',
  'stop.halted',
  'stop.revoked',
  'stop.proved',
  /** It was said to be proved, and is not any more: something new came under it. */
  'stop.proof-withdrawn',
  'stop.reset',
  /** More stops in a short time than anybody orders by hand. They were all latched. */
  'stop.burst',
  'obligation.needs-human',
  'approval.asked',
  'approval.ended',
  /** One agent asks for more than people can look at. */
  'approval.flood',
  'breaker.tripped',
  'budget.ended',
  'gateway.lost',
  /** A connector did not cut off what it had issued, or nobody could tell. */
  'drill.failed',
  'policy.activated',
  'policy.proposed',
  'tool.changed',
  /** Somebody asks for, or has, a role for a while. */
  'elevation.asked',
  'elevation.begun',
  /** An authenticated alert that no rule could turn into a stop or a hold. */
  'trigger.refused',
  'notify.test',
] as const;
export type NoticeEvent = (typeof noticeEvents)[number];

/** `stop.latched`, or `stop.*` for all of a kind. */
export function hears(patterns: readonly string[], event: NoticeEvent): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('.*') ? event.startsWith(pattern.slice(0, -1)) : pattern === event,
  );
}

export const rungs = ['owner', 'stop-holder', 'on-call'] as const;
/** Of an agent: who answers for it, who may stop it, and whoever is on call. */
export type Rung = (typeof rungs)[number];

/** Whoever answers for the agents is told of these, also where nobody has to acknowledge them. */
const ownersHear: readonly NoticeEvent[] = ['drill.failed'];

export interface EscalationStep {
  readonly to: Rung;
  readonly afterMs: number;
}

export interface EscalationRules {
  /** Events that somebody must acknowledge. */
  readonly events: readonly string[];
  readonly steps: readonly EscalationStep[];
  /** Person -> the endpoint at which that person is reached. */
  readonly contacts: Readonly<Record<string, string>>;
  readonly onCall: readonly string[];
}

export interface Answerable {
  readonly owner: string;
  readonly stopHolder: string;
}

export interface EscalationCall {
  readonly rung: Rung;
  readonly endpoint: string;
  readonly afterMs: number;
}

/**
 * Whom to call and when, in order. A rung on which nobody can be reached (no contact for that name, no agent at all) passes its time
 * on: the next one is called that much sooner, because a silent wait helps nobody.
 */
export function escalate(
  rules: EscalationRules,
  event: NoticeEvent,
  agents: readonly Answerable[],
): readonly EscalationCall[] {
  if (!hears(rules.events, event)) {
    const owners = ownersHear.includes(event) ? endpointsOf(rules, 'owner', agents) : [];
    return owners.map((endpoint) => ({ rung: 'owner', endpoint, afterMs: 0 }));
  }
  const calls: EscalationCall[] = [];
  let saved = 0;
  let reachedAt = 0;
  for (const step of rules.steps) {
    const afterMs = Math.max(0, step.afterMs - saved);
    const endpoints = endpointsOf(rules, step.to, agents).filter(
      (endpoint) => !calls.some((call) => call.endpoint === endpoint),
    );
    if (endpoints.length === 0) {
      saved += nextGap(rules.steps, step);
      continue;
    }
    reachedAt = Math.max(reachedAt, afterMs);
    for (const endpoint of endpoints) calls.push({ rung: step.to, endpoint, afterMs: reachedAt });
  }
  return calls;
}

function endpointsOf(
  { contacts, onCall }: EscalationRules,
  rung: Rung,
  agents: readonly Answerable[],
): readonly string[] {
  if (rung === 'on-call') return [...new Set(onCall)];
  const people = agents.map(({ owner, stopHolder }) => (rung === 'owner' ? owner : stopHolder));
  return [...new Set(people.flatMap((person) => (Object.hasOwn(contacts, person) ? [contacts[person] ?? ''] : [])))];
}

/** How long the next rung would have waited after this one. */
function nextGap(steps: readonly EscalationStep[], step: EscalationStep): number {
  const next = steps[steps.indexOf(step) + 1];
  return next === undefined ? 0 : Math.max(0, next.afterMs - step.afterMs);
}

const quietWords: ReadonlyMap<string, string> = new Map([
  ['nobody-to-tell', 'no endpoint is configured'],
  ['crowd', 'one of too many stops at once, which the alarm is about'],
  ['flood', 'one of too many questions of this agent, the first of which were told'],
  ['said-before', 'the same was told within the day'],
]);

/** Why a notice is not told on its own, in words. What a newer version says stays as it is. */
export const quietSentence = (quiet: string): string => quietWords.get(quiet) ?? quiet;
