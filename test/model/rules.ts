/**
 * Every rule of the stop protocol by name (design: latch, fence, halt, revoke, prove, reset).
 *
 * A file of src that carries a rule out says so in a comment, `rule: <name>`, so that a reviewer can grep from
 * the design to the line and back; test/conventions/rules.test.ts fails on a rule that nothing in src cites.
 * `model` names the cases of cases.ts that fail when the rule is taken away: the counterexample that makes the
 * rule necessary. A rule without one says why it has none. Names are stable: rename one only with its citations.
 */
export type Rule = {
  readonly says: string;
} & ({ readonly model: readonly string[] } | { readonly notModelled: string });

export const rules = {
  // The one definition
  'dead-iff-in-force-or-younger': {
    says: 'A credential is dead iff a stop matching one of its scope keys is in force, or matches and has a higher epoch.',
    model: ['a2 M_FORCEONLY', 'a3 LABEL M_EPOCHONLY'],
  },
  'label-as-of-mint-or-now': {
    says: 'A stop on a label matches a credential by its labels at mint and by the labels of its agent now.',
    model: ['a3 LABEL M_NOWONLY'],
  },
  'keys-of-every-ancestor': {
    says: 'A credential carries the scope keys of its task and of every ancestor, fixed at mint.',
    notModelled: 'task trees are outside the models',
  },

  // 1. Latch
  'latch-two-statements': {
    says: 'The latch takes the lock that orders stops, and reads the next epoch in the statement after it.',
    model: ['a1 M_ONESTMT'],
  },
  'epoch-commit-order': {
    says: 'Epochs are handed out under that lock, never by a sequence, so that they are in commit order.',
    model: ['a1 M_SEQ'],
  },
  'latch-no-foreign-locks': {
    says: 'The latch waits for no lock of an allow path: no foreign key, no trigger, constant size.',
    model: ['a1 M_FK'],
  },
  'one-autocommit-call': {
    says: 'A latch is one autocommit call of constant size; committed means latched.',
    notModelled: 'a transaction that the caller leaves open is an infinite hang of the store, which the intake answers',
  },
  'notify-after-commit': {
    says: 'NOTIFY is a hint in a call of its own after the commit, and never sent by an allow path.',
    model: ['a1 M_NOTIFY'],
  },
  'migration-bounded': {
    says: 'A migration that touches stops bounds its wait for the lock and the time it may hold it.',
    model: ['a1 M_MIGR', 'a1 MIGR_HANG'],
  },
  'caller-mints-stop-id': {
    says: 'The stop id comes from the caller: a retry, on any road, is the same stop, latched once, never re-latched.',
    model: ['c1 M_NOIDEM', 'c1 M_RELATCH'],
  },
  'accepted-is-not-latched': {
    says: 'No commit within 500 ms: the order goes through Temporal too, which latches it, and the answer is `accepted`.',
    model: ['c1 M_NOINTAKE'],
  },
  'ack-after-standby': {
    says: 'A commit whose wait for the synchronous standby was cancelled is no acknowledgement.',
    model: ['a3 FAILOVER M_ASYNC'],
  },
  'one-intake': {
    says: 'There is one intake workflow per environment, read by its id and never found by a list.',
    model: ['c1 VISLAG'],
  },
  'drain-all-runs': {
    says: 'Draining reads every run of the intake, open or closed, and compares it with `stops`.',
    model: ['c1 TERM'],
  },
  'drain-before-admit': {
    says: 'After a gap in its lease a gateway admits nothing until the intake is recorded as drained after the gap.',
    model: ['c1 M_NODRAIN', 'c1 M_STALEMARK'],
  },
  beat: {
    says: 'The stop process exercises the latch function every second and leaves a mark.',
    model: ['c1 SLOW'],
  },

  // 2. Fence
  lease: {
    says: 'A gateway without a fresh lease sends nothing.',
    model: ['a2 M_NOLEASE'],
  },
  'lease-needs-beat': {
    says: 'No lease is renewed without a mark of the beat younger than the lease, or outlives that mark by more than a lease.',
    model: ['c1 SLOW'],
  },
  'lease-from-send': {
    says: 'A lease counts from the moment its renewal was sent.',
    model: ['a2 M_RECV'],
  },
  'lease-void-on-clock-jump': {
    says: 'A renewal is void if the monotonic or the wall clock jumped.',
    notModelled: 'real clock rates are outside the models',
  },
  'renew-is-one-query': {
    says: 'Renewal and the re-read of the stops are one query.',
    model: ['a2 M_SPLITRENEW'],
  },
  'late-reply-dropped': {
    says: 'A reply older than the last one applied is dropped.',
    model: ['a2 M_NOMONO'],
  },
  'view-holds-reset-stops': {
    says: 'The view holds stops that were reset, not only those in force.',
    model: ['a2 M_VIEWFORCE'],
  },
  'retain-until-token-dead': {
    says: 'A reset stop stays in the view until its reset plus the longest token life.',
    model: ['a3 RETAIN'],
  },
  'newer-token-renews-first': {
    says: 'Shown a token newer than its view, a gateway renews before it judges.',
    model: ['a2 without MEND_RESETEPOCH'],
  },
  'admit-checks-stops': {
    says: 'ADMIT reads the stops itself; a view, however fresh, does not admit.',
    model: ['a2 M_NOADMITSTOP'],
  },
  'admit-stops-last': {
    says: 'ADMIT reads the stops last, in a statement that starts after every lock it had to wait for.',
    model: ['a1 M_EARLY'],
  },
  'fence-before-upstream': {
    says: 'The fence is asked again after ADMIT and before the upstream.',
    model: ['a2 M_NOFENCE2'],
  },
  'check-and-write-one-tick': {
    says: 'That check and the write to the upstream stand in one tick.',
    model: ['a2 M_SPLIT'],
  },
  'fence-before-answer': {
    says: 'The fence is asked once more before an answer goes out; a late answer is discarded.',
    model: ['a2 M_NOFENCE3'],
  },
  'destroy-in-flight': {
    says: 'On a stop the sockets of affected calls are destroyed.',
    model: ['a2 M_NODESTROY'],
  },
  'confirm-that-epoch': {
    says: 'A gateway confirms one epoch, that of the view it acted on, and no later one.',
    model: ['a2 M_STALECONF'],
  },
  'expired-not-before-commit-plus-lease': {
    says: 'A gateway counts as expired no sooner than the commit of the stop plus one lease.',
    model: ['a2 without MEND_EXPIRE'],
  },
  'possibly-completed': {
    says: 'Calls written before they were destroyed, and unsettled calls of an expired gateway, are reported possibly-completed.',
    model: ['a2 without MEND_PC'],
  },
  'refuse-lower-epoch': {
    says: 'A gateway refuses a store whose epoch is lower than one it has seen, or was taken by another order.',
    model: ['a3 FAILOVER M_LOWEPOCH'],
  },

  // 3. Halt
  'grace-has-no-power': {
    says: 'Grace is for winding down: no tool call and no credential works in it.',
    notModelled: 'halt is outside the models; a credential is dead from the latch on, whatever the task does',
  },
  'register-before-start': {
    says: 'A task is registered, under the same stop check as a mint, before its workflow starts.',
    notModelled: 'halt and task trees are outside the models',
  },
  'halted-by-describe': {
    says: 'Halted means that every covered registered task was seen closed by describe.',
    notModelled: 'halt is outside the models',
  },
  'stray-sweep': {
    says: 'Two sweeps over visibility look for unregistered strays; they belong to proved and touch only older tasks.',
    notModelled: 'halt is outside the models',
  },

  // 4. Revoke
  'ledger-decides': {
    says: 'The ledger alone decides what is done; the status of a workflow never does.',
    model: ['c2 M_STATUS'],
  },
  'reconcile-from-ledger': {
    says: 'A revocation ended by anybody before the ledger says proved is started again.',
    model: ['c2 M_NORECON'],
  },
  'duplicates-after-close': {
    says: 'The id of a revocation may be used again after it closed.',
    model: ['c2 M_REJECTDUP'],
  },
  'idempotent-by-obligation-phase': {
    says: 'Activities are idempotent under the key obligation/phase.',
    model: ['c2 M_NOKEY'],
  },
  'obligations-polled': {
    says: 'That no covered grant lacks an obligation is polled until the stop is proved, not read once.',
    notModelled:
      'with mint-reread a single read after the latch finds every grant that can still be issued (case `b1 M_READONCE` passes); ' +
      'polling is kept for grants whose worker died between the intended row and the re-read',
  },
  'intended-grants-covered': {
    says: 'Every covered grant gets an obligation, intended ones too.',
    model: ['b1 M_ISSUEDONLY'],
  },
  'lane-independent': {
    says: 'A lane never throws, never gives up and never waits for another.',
    model: ['b2 M_LANEWAIT'],
  },
  'sweep-by-epoch': {
    says: 'A sweep ends only what is older than the stop.',
    model: ['b1 M_NOSWEEPFILTER'],
  },
  'task-end-ends-grants': {
    says: 'A task that ends in any way has its grants ended the same way.',
    notModelled: 'halt and task trees are outside the models',
  },
  'mint-epoch-and-stops-one-statement': {
    says: 'A mint reads the epoch and the stops in one statement.',
    model: ['a1 M_SPLITMINT'],
  },
  'mint-intended-first': {
    says: 'A grant is committed as intended before the issuer is asked.',
    model: ['b1 M_NOINTENDED'],
  },
  'mint-kill-handle': {
    says: 'An intended grant carries a handle by which it can be killed although the reply never came.',
    model: ['b1 M_NOHANDLE'],
  },
  'mint-absolute-end': {
    says: 'The issuer is told an absolute end, so that a worker suspended before the request cannot prolong it.',
    model: ['b1 without MEND_ABS'],
  },
  'mint-reread': {
    says: 'The stops are read again after intended was committed and before the issuer is asked.',
    model: ['b1 without MEND_DEKKER'],
  },
  'mint-reread-before-hand-over': {
    says: 'The stops are read once more before the credential is handed over.',
    model: ['b1 M_NORECHECK'],
  },
  'target-block': {
    says: 'On a shared target nothing is issued while a killed grant or an obligation there is open.',
    model: ['b1 M_NOBLOCK', 'b1 without MEND_LEDGERBLOCK'],
  },
  'target-lock': {
    says: 'That check and the intended row are serialised by a lock per (agent, target).',
    model: ['b1 without MEND_TARGETLOCK'],
  },
  'generation-own-principals': {
    says: 'Where the system allows it each generation has principals of its own, named with the epoch.',
    notModelled: 'b1 models the harder case, a target that generations share',
  },

  // 5. Prove
  'intended-closed-late': {
    says: 'An intended grant is closed only when the right to mint is dead or its absolute end has passed and the issuer lists nothing.',
    model: ['b1 M_CLOSEEARLY'],
  },
  'final-probe': {
    says: 'After the last cut of the whole stop every obligation is probed once more.',
    model: ['b2 M_NOFINAL'],
  },
  settle: {
    says: 'The final probe waits for the settling time that the connector declares.',
    model: ['b2 ASYNC'],
  },
  'open-until-final': {
    says: 'An obligation blocks minting until the final probe of the stop has passed.',
    model: ['b2 REMINT'],
  },
  'control-identity': {
    says: 'A denial counts only while a control identity outside every scope is still allowed.',
    model: ['b2 M_NOCONTROL'],
  },
  'affirmative-denial': {
    says: 'Only an affirmative denial of the old credential proves; a time-out or an ok from the cut proves nothing.',
    model: ['b2 M_NOPROBE'],
  },
  'residual-watched': {
    says: 'Residual access is named with its end time and watched until then.',
    notModelled: 'a residual is an obligation that stays open; the models have no state beyond open',
  },

  // 7. Reset
  'reset-needs-fenced': {
    says: 'A reset is refused until the stop is fenced.',
    model: ['a2 without MEND_RESET'],
  },
  'reset-takes-next-epoch': {
    says: 'A reset takes the next epoch under the lock that orders stops.',
    model: ['a2 without MEND_RESETEPOCH'],
  },
  'no-relabel-out': {
    says: 'A covered agent cannot be relabelled out of a stop.',
    model: ['a3 LABEL M_NOWONLY'],
  },
} as const satisfies Readonly<Record<string, Rule>>;
