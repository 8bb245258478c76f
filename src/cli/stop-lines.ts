import { otherErrorSince } from '../contract/http/other-error-since.ts';
import type { Obligation, StopView } from '../contract/http/stops.ts';
import { waitingPhaseOf } from '../contract/http/waiting-phase.ts';
import { plural } from '../contract/plural.ts';
import { wordToType } from './quote-for-shell.ts';
import { renderFields, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible.ts';
import { duration, exact, relative } from './when.ts';

type Paint = Terminal['paint'];

/** One line a stage: what was verified, how long after the latch, and what is still missing where it was not. */
export function stageLines(stop: StopView, paint: Paint): readonly string[] {
  return stop.stages.map(({ stage, afterMs }) => {
    const reached = afterMs !== null;
    const mark = reached ? paint.green('+') : paint.yellow('.');
    const time = reached ? duration(afterMs) : 'not yet';
    return `${mark} ${stage.padEnd(8)} ${time.padStart(10)}  ${visible(stageNote(stop, stage))}`.trimEnd();
  });
}

function nameNote({ scopeKnown }: StopView): string {
  if (scopeKnown === null) return '; whether anybody here goes by this name is not known';
  return scopeKnown ? '' : '; NOBODY HERE GOES BY THIS NAME';
}

function stageNote(stop: StopView, stage: StopView['reached']): string {
  const { tasks, obligations, gateways } = stop;
  switch (stage) {
    case 'latched':
      return `epoch ${stop.epoch}${nameNote(stop)}`;
    case 'fenced': {
      const count = (outcome: string): number => gateways.filter((gateway) => gateway.outcome === outcome).length;
      const parts = [
        `${count('confirmed')} confirmed`,
        ...(count('expired') > 0 ? [`${count('expired')} expired`] : []),
        ...(count('waiting') > 0 ? [`${count('waiting')} waited for`] : []),
      ];
      const completed =
        stop.possiblyCompleted > 0 ? `; ${plural(stop.possiblyCompleted, 'call')} possibly completed` : '';
      return `gateways: ${parts.join(', ')}${completed}`;
    }
    case 'halted':
      return tasks.covered === 0 ? 'no open task found' : `${tasks.halted} of ${plural(tasks.covered, 'task')} closed`;
    case 'revoked':
      return obligations.total === 0
        ? withoutCredential(stop)
        : `${obligations.revoked} of ${obligations.total} acted on`;
    case 'proved':
      return stop.evidence === 'nothing-to-revoke'
        ? 'nothing to revoke'
        : obligations.total === 0
          ? 'a last look is to come'
          : `${obligations.proved} of ${obligations.total} proved${obligations.acceptedRisk > 0 ? `, ${obligations.acceptedRisk} accepted as a risk` : ''}`;
  }
}

/** Before they are acted on, those that were found are all that is known of them. */
const withoutCredential = ({ obligations: { uncovered } }: StopView): string =>
  uncovered > 0 ? `${plural(uncovered, 'credential')} found, none acted on` : 'no credential found';

/** System by system: the table an operator reads at three in the morning. What is not proved comes first, as the API sends it. */
export function laneLines(stop: StopView, now: number, limit: number, width?: number): readonly string[] {
  if (stop.lanes.length === 0) return [];
  const shown = stop.lanes.slice(0, limit);
  const rest = stop.obligations.total - shown.length;
  // In a window that is drawn again and again the note has what room there is: there it is cut, and here it goes on below.
  const namesAgents = width === undefined && new Set(shown.map(({ agentId }) => agentId)).size > 1;
  return [
    ...renderTable<Obligation>(
      [
        { title: 'connector', cell: (lane) => lane.connector },
        { title: 'target', cell: (lane) => lane.target, width: 40 },
        ...(namesAgents ? [{ title: 'agent', cell: (lane: Obligation) => lane.agentId }] : []),
        { title: 'state', cell: stateOfLane },
        {
          title: 'seen dead after',
          cell: (lane) => (lane.provedAfterMs === null ? '-' : duration(lane.provedAfterMs)),
        },
        { title: 'steps', cell: (lane) => String(lane.attempts) },
        { title: 'note', cell: (lane) => noteOfLane(lane, now) },
      ],
      shown,
      width,
    ),
    ...(rest > 0 ? [`and ${rest} more`] : []),
  ];
}

/** `proved` only once the last probe of the whole stop has passed; before that a lane is proved so far. */
function stateOfLane(lane: Obligation): string {
  if (lane.state === 'open') return lane.revokedAt === null ? `open (${lane.phase ?? 'waiting'})` : 'revoked';
  return lane.final || lane.state === 'residual' ? lane.state : `${lane.state} (last probe to come)`;
}

function noteOfLane(lane: Obligation, now: number): string {
  const phase = waitingPhaseOf(lane);
  if (phase !== undefined) return `waits for a person, who lets ${phase} go on`;
  if (lane.needsHuman !== null && !lane.final) {
    const since = otherErrorSince(lane);
    return `NEEDS A PERSON: ${lane.needsHuman}${since === undefined ? '' : ` LAST TRY: ${since}`}${nextTry(lane, now)}`;
  }
  if (lane.residual !== null && !lane.final)
    return `alive until ${exact(lane.residual.until, now)}: ${lane.residual.why}`;
  if (lane.state === 'accepted-risk') return `accepted by ${lane.acceptedBy ?? '?'}: ${lane.lastError ?? ''}`;
  if (lane.lastError !== null) return `${lane.lastError}${nextTry(lane, now)}`;
  return lane.evidence ?? '';
}

const nextTry = (lane: Obligation, now: number): string =>
  lane.nextTryAt === null
    ? ''
    : Date.parse(lane.nextTryAt) <= now
      ? '; the next try is due'
      : `; next try ${relative(lane.nextTryAt, now)}`;

/** The whole dossier as `estop stop show` prints it. */
export function stopLines(stop: StopView, now: number, paint: Paint): readonly string[] {
  const lanes = laneLines(stop, now, 200);
  return [
    ...renderFields([
      ['stop', stop.stopId],
      ['scope', stop.scopeKey],
      ['category', `${stop.category}${stop.category === 1 ? `, grace ${duration(stop.graceMs)}` : ''}`],
      ['ordered by', `${stop.actor} (${stop.method})`],
      ['reason', stop.reason === '' ? '-' : stop.reason],
      ['latched', exact(stop.stages[0]?.at ?? '', now)],
      [
        'in force',
        stop.reset === null
          ? 'yes'
          : `no: reset ${exact(stop.reset.at, now)} by ${stop.reset.by}: ${stop.reset.reason}`,
      ],
      ['workflow', stop.workflow.url ?? `${stop.workflow.namespace} ${stop.workflow.workflowId}`],
    ]),
    '',
    ...stageLines(stop, paint),
    ...(lanes.length === 0 ? [] : ['', ...lanes]),
    ...waitingLines(stop),
    ...riskLines(stop),
    ...callLines(stop, now),
  ];
}

function callLines({ calls, possiblyCompleted }: StopView, now: number): readonly string[] {
  if (calls === null)
    return possiblyCompleted === 0 ? [] : ['', 'possibly completed: which calls is not known just now'];
  if (calls.length === 0) return [];
  return [
    '',
    'possibly completed:',
    ...calls.map(
      (call) => `  ${visible(call.tool)}  task ${visible(call.taskId)}  admitted ${exact(call.admittedAt, now)}`,
    ),
  ];
}

/** Agreed beforehand, and nothing is broken: one word for all of them lets it go on, and no risk has to be accepted for it. */
function waitingLines(stop: StopView): readonly string[] {
  const phases = [...new Set(stop.lanes.flatMap((lane) => waitingPhaseOf(lane) ?? []))];
  return phases.flatMap((phase) => [
    '',
    `${phase} waits for a person, because a playbook says so; it goes on with`,
    `  estop playbook proceed ${wordToType(stop.stopId)} ${phase} --reason ".."`,
  ]);
}

const mostRisks = 5;

/** How to name what needs a person: the one end without proof is theirs alone, and never the first thing to try. */
function riskLines(stop: StopView): readonly string[] {
  const stuck = stop.lanes.filter(
    (lane) => lane.needsHuman !== null && !lane.final && waitingPhaseOf(lane) === undefined,
  );
  if (stuck.length === 0) return [];
  return [
    '',
    'needs a person: mend it, and the work goes on by itself; if it cannot be mended, answer for it with',
    ...stuck.slice(0, mostRisks).map((lane) => `  estop accept-risk ${wordToType(lane.obligationId)} --reason ".."`),
    ...(stuck.length > mostRisks ? [`  and so on, for ${stuck.length - mostRisks} more (--json has their ids)`] : []),
  ];
}
