/**
 * Every case the model checker is asked: a model, its flags, and what must come out.
 *
 * `pass` is the protocol as written, searched exhaustively within its bounds; `fail` is the protocol with one rule taken away
 * (or a vacuity check), for which a counterexample must exist: a mutant that passes means that the model no longer sees the rule.
 */
export interface ModelCase {
  /** As rules.ts and the README cite it. */
  readonly id: string;
  readonly model: 'a1_latch' | 'a2_fence' | 'a3_small' | 'b1_mint' | 'b2_prove' | 'c1_intake' | 'c2_reconcile';
  readonly flags: readonly string[];
  readonly expect: 'pass' | 'fail';
  /** A process that can never go on is itself the violation (pan without -E). */
  readonly deadlockIsError: boolean;
  /** Too long for every run: only `npm run model -- --all`. */
  readonly slow: boolean;
  /**
   * How hard the compiler tries, as gcc numbers it; those that are worth more begin first. Most are searched in a moment, and compiled
   * with any care for longer than that; millions of states are worth some, tens of millions all of it.
   */
  readonly effort: 0 | 1 | 2;
  /**
   * Searched into the depth: where ten million states lie less deep than the counterexample, which it meets after one, or where there is
   * none to meet. Its trail is not the shortest.
   */
  readonly deep: boolean;
}

type Model = ModelCase['model'];

const checked = (expect: ModelCase['expect'], model: Model, id: string, flags: readonly string[]): ModelCase => ({
  id: `${model.slice(0, 2)} ${id}`,
  model,
  flags,
  expect,
  deadlockIsError: model === 'a1_latch',
  slow: false,
  effort: 0,
  deep: false,
});

const holds = (model: Model, id: string, flags: readonly string[] = []): ModelCase => checked('pass', model, id, flags);
const broken = (model: Model, id: string, flags: readonly string[]): ModelCase => checked('fail', model, id, flags);
const broad = (one: ModelCase): ModelCase => ({ ...one, effort: 1 });

/** The mends without one: the hole it closes must open again. */
const without = (mends: readonly string[], left: string): readonly string[] => mends.filter((mend) => mend !== left);

const fence = ['MEND_RESET', 'MEND_EXPIRE', 'MEND_RESETEPOCH', 'MEND_PC'];
const mint = ['MEND_DEKKER', 'MEND_ABS', 'MEND_LEDGERBLOCK', 'MEND_TARGETLOCK'];

export const cases: readonly ModelCase[] = [
  holds('a1_latch', 'as written'),
  ...['M_ONESTMT', 'M_SEQ', 'M_FK', 'M_NOTIFY', 'M_MIGR', 'M_EARLY', 'M_SPLITMINT', 'MIGR_HANG'].map((flag) =>
    broken('a1_latch', flag, [flag]),
  ),

  broad(holds('a2_fence', 'as written', fence)),
  broad(holds('a2_fence', 'as written, bytes outlive the socket', [...fence, 'INFLIGHT'])),
  { ...holds('a2_fence', 'as written, two renewals in flight', [...fence, 'NR=2', 'T=3']), effort: 2, deep: true },
  { ...holds('a2_fence', 'as written, two stops', [...fence, 'NS=2', 'T=4']), slow: true, effort: 2 },
  broken('a2_fence', 'VAC', [...fence, 'VAC']),
  ...['M_NOLEASE', 'M_RECV', 'M_NOFENCE2', 'M_NOFENCE3', 'M_VIEWFORCE', 'M_SPLITRENEW', 'M_NOADMITSTOP'].map((flag) =>
    broken('a2_fence', flag, [...fence, flag]),
  ),
  // With MEND_PC every written call is listed anyway; destruction and the single tick are what keep the list short.
  ...['M_NODESTROY', 'M_SPLIT'].map((flag) => broken('a2_fence', flag, [...without(fence, 'MEND_PC'), flag])),
  broken('a2_fence', 'M_FORCEONLY', [...fence, 'M_FORCEONLY', 'NOP4']),
  broad(broken('a2_fence', 'M_NOMONO', [...fence, 'M_NOMONO', 'NR=2', 'T=3'])),
  { ...broken('a2_fence', 'M_STALECONF', [...fence, 'M_STALECONF', 'NS=2', 'T=4']), deep: true },
  broken('a2_fence', 'without MEND_RESET', without(fence, 'MEND_RESET')),
  broken('a2_fence', 'without MEND_EXPIRE', without(fence, 'MEND_EXPIRE')),
  broad(broken('a2_fence', 'without MEND_RESETEPOCH', [...without(fence, 'MEND_RESETEPOCH'), 'NR=2', 'T=3'])),
  broken('a2_fence', 'without MEND_PC', [...without(fence, 'MEND_PC'), 'INFLIGHT']),

  broken('a3_small', 'RETAIN', ['RETAIN']),
  holds('a3_small', 'RETAIN mended', ['RETAIN', 'MEND_RETAIN']),
  holds('a3_small', 'LABEL', ['LABEL']),
  broken('a3_small', 'LABEL M_EPOCHONLY', ['LABEL', 'M_EPOCHONLY']),
  broken('a3_small', 'LABEL M_NOWONLY', ['LABEL', 'M_NOWONLY']),
  holds('a3_small', 'FAILOVER', ['FAILOVER']),
  broken('a3_small', 'FAILOVER M_LOWEPOCH', ['FAILOVER', 'M_LOWEPOCH']),
  broken('a3_small', 'FAILOVER M_ASYNC', ['FAILOVER', 'M_ASYNC']),

  holds('b1_mint', 'as written', mint),
  holds('b1_mint', 'as written, right to mint revocable', [...mint, 'MINTRIGHT']),
  // Not a counterexample: with mint-reread one read after the latch is enough (rules.ts, obligations-polled).
  holds('b1_mint', 'M_READONCE', [...mint, 'M_READONCE']),
  broken('b1_mint', 'VAC', [...mint, 'VAC']),
  ...mint.map((mend) => broken('b1_mint', `without ${mend}`, without(mint, mend))),
  ...['M_NOBLOCK', 'M_CLOSEEARLY', 'M_NORECHECK', 'M_NOINTENDED', 'M_ISSUEDONLY'].map((flag) =>
    broken('b1_mint', flag, [...mint, flag]),
  ),
  broken('b1_mint', 'M_NOSWEEPFILTER', [...mint, 'M_NOSWEEPFILTER', 'NOCOARSE', 'M_NOBLOCK']),
  broken('b1_mint', 'M_NOHANDLE', [...mint, 'M_NOHANDLE', 'MINTRIGHT']),

  holds('b2_prove', 'as written', ['ASYNC', 'MEND_SETTLE', 'REMINT', 'MEND_OPENFINAL']),
  ...['M_NOFINAL', 'M_NOCONTROL', 'M_NOPROBE'].map((flag) => broken('b2_prove', flag, [flag])),
  { ...broken('b2_prove', 'M_LANEWAIT', ['M_LANEWAIT']), deadlockIsError: true },
  { ...holds('b2_prove', 'lanes apart', []), deadlockIsError: true },
  broken('b2_prove', 'ASYNC', ['ASYNC']),
  broken('b2_prove', 'REMINT', ['REMINT']),

  holds('c1_intake', 'as written', ['TERM', 'VISLAG', 'MEND_ALLRUNS']),
  holds('c1_intake', 'VISLAG mended', ['VISLAG', 'MEND_STRONG']),
  holds('c1_intake', 'SLOW mended', ['SLOW', 'MEND_BEAT']),
  ...['M_NOIDEM', 'M_NODRAIN', 'M_STALEMARK', 'M_NOINTAKE', 'M_RELATCH', 'VISLAG', 'TERM', 'SLOW'].map((flag) =>
    broken('c1_intake', flag, [flag]),
  ),

  holds('c2_reconcile', 'as written'),
  ...['M_NORECON', 'M_REJECTDUP', 'M_STATUS', 'M_NOKEY'].map((flag) => broken('c2_reconcile', flag, [flag])),
];
