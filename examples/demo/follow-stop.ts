import { setTimeout as sleep } from 'node:timers/promises';
import type { Obligation, StopView } from '../../src/contract/http/stops.ts';
import type { Estop } from '../../src/sdk/estop.ts';
import type { Screen } from './screen.ts';

const pollMs = 100;

/** Shows each stage and each obligation once, when the ledger first says so, until proved or the deadline. */
export async function followStop(
  estop: Estop,
  screen: Screen,
  stopId: string,
  sentAt: number,
  deadlineMs: number,
  onView: (view: StopView) => Promise<void> | void,
): Promise<StopView> {
  const shown = new Set<string>();
  const once = (key: string, show: () => void): void => {
    if (shown.has(key)) return;
    shown.add(key);
    show();
  };
  const since = (instant: string): number => Date.parse(instant) - sentAt;
  for (;;) {
    const view = await estop.stops.get(stopId);
    for (const stage of view.stages) {
      const { at } = stage;
      if (at === null) continue;
      once(stage.stage, () =>
        screen.fact('stage', `${stage.stage.padEnd(8)} after ${since(at)} ms${stageDetail(view, stage.stage)}`, {
          stage: stage.stage,
          ms: since(at),
        }),
      );
    }
    for (const lane of view.lanes) showLane(lane, since, screen, once);
    await onView(view);
    const proved = view.stages.some((stage) => stage.stage === 'proved' && stage.at !== null);
    if (proved || Date.now() - sentAt > deadlineMs) return view;
    await sleep(pollMs);
  }
}

function stageDetail(view: StopView, stage: string): string {
  if (stage === 'fenced')
    return `: every gateway ${view.gateways.map((gateway) => gateway.outcome).join(', ')}; ${view.possiblyCompleted} calls possibly completed`;
  if (stage === 'halted') return `: ${view.tasks.halted} of ${view.tasks.covered} tasks seen closed`;
  if (stage === 'revoked') return `: all ${view.obligations.total} obligations acted on`;
  if (stage === 'proved') return `: probed once more after the last cut (${view.evidence ?? 'no evidence'})`;
  return `: nothing that ${view.scopeKey} covers is admitted or issued from now on`;
}

function showLane(
  lane: Obligation,
  since: (instant: string) => number,
  screen: Screen,
  once: (key: string, show: () => void) => void,
): void {
  const name = `${lane.connector}/${lane.agentId}`.padEnd(26);
  const base = { connector: lane.connector, target: lane.target, task: lane.taskId };
  const { revokedAt, provedAt, lastError } = lane;
  if (revokedAt !== null)
    once(`${lane.obligationId}/revoked`, () =>
      screen.fact('revoked', `${name} cut off after ${since(revokedAt)} ms`, {
        ...base,
        ms: since(revokedAt),
      }),
    );
  if (provedAt !== null)
    once(`${lane.obligationId}/proved`, () =>
      screen.fact('proved', `${name} proved dead after ${since(provedAt)} ms (${lane.evidence ?? 'no evidence'})`, {
        ...base,
        ms: since(provedAt),
      }),
    );
  if (lane.state === 'open' && lastError !== null)
    once(`${lane.obligationId}/${lane.attempts}`, () =>
      screen.fact('retry', `${name} attempt ${lane.attempts} failed, goes on: ${lastError}`, {
        ...base,
        attempts: lane.attempts,
        why: lastError,
      }),
    );
}
