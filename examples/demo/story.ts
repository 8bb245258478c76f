import { setTimeout as sleep } from 'node:timers/promises';
import type { StopView } from '../../src/contract/http/stops.ts';
import type { Task } from '../../src/contract/http/tasks.ts';
import { agentTaskWorkflowId, namespaces } from '../../src/contract/names.ts';
import { directly } from '../../src/contract/temporal-security.ts';
import type { Cast } from './cast.ts';
import { followStop } from './follow-stop.ts';
import { type Hijacked, hijack } from './hijacked.ts';
import { openUse } from './hijacked-use.ts';
import { fetchLoot, type LootItem } from './loot.ts';
import type { Screen } from './screen.ts';
import { complaintsOf, type Findings, summaryLines, summaryOf } from './summary.ts';

const rampageMs = 1_500;
const rampageAtMostMs = 20_000;
/** The hung system stays hung at least so long, and until every other one is proved: that none of them waited for it is the point. */
const hangForMs = 5_000;
const proveWithinMs = 60_000;
/** Others that were not proved by then are not waited for; the summary complains of them. */
const hangAtMostMs = 40_000;
/** A sabotaged run need not be waited for as long: what can be proved is proved by then. */
const sabotagedProveWithinMs = 20_000;
/** What goes on in a sabotaged run goes on until its end: it is caught as surely at thirty uses a second as at thousands, which take all of a machine. */
const sabotagedPauseMs = 30;
const grantNames = ['database', 'queue', 'crm', 'wake-up'] as const;

/** From an honest task to a proved stop. True if nothing is left to complain of. */
export async function runStory(cast: Cast, screen: Screen, isSabotaged: boolean): Promise<boolean> {
  const { service, operator, world } = cast;
  const { task, child } = await startHonestTask(cast, screen);
  const loot = [...(await fetchLoot(cast, task, grantNames)), ...(await fetchLoot(cast, child, ['database']))];
  screen.step(
    `billing-bot is hijacked: a process that nobody governs uses its ${loot.length} credentials past the gateway, and its token at the gateway, ${isSabotaged ? 'again and again' : 'as fast as they answer'}`,
  );
  const { token } = await operator.tasks.token(task.taskId);
  const hijacked = hijack({
    loot: [
      ...loot,
      { label: 'gateway', system: 'gateway', secret: { url: cast.installation.profile.gatewayUrl, token } },
    ],
    pauseMs: isSabotaged ? sabotagedPauseMs : 0,
  });
  try {
    await untilRampant(hijacked, loot.length + 1);
    for (const report of hijacked.reports().values())
      screen.fact('rampage', `${report.label.padEnd(26)} ${String(report.successes).padStart(4)} successes so far`, {
        ...report,
      });
    await world.oauthProxy.addToxic('hang', { type: 'timeout', timeout: 0 });
    screen.step('The OAuth server (crm) hangs: from now on it answers its administrators nothing');
    const sentAt = Date.now();
    const receipt = await operator.stops.stop({ agent: 'billing-bot' }, { reason: 'hijacked (demo)' });
    screen.step(
      `An operator stops agent:billing-bot, "hijacked (demo)": ${receipt.state}${receipt.state === 'latched' ? ` with epoch ${receipt.epoch}` : ''} (times below are since this order)`,
    );
    const second = createSecondGeneration(cast, screen, receipt.stopId);
    let mendedAt: number | undefined;
    const view = await followStop(
      operator,
      screen,
      receipt.stopId,
      sentAt,
      isSabotaged ? sabotagedProveWithinMs : proveWithinMs,
      async (now) => {
        await second.advance(now);
        const elapsed = Date.now() - sentAt;
        if (
          mendedAt !== undefined ||
          elapsed < hangForMs ||
          (elapsed < hangAtMostMs && !isSabotaged && waitsForOthers(now))
        )
          return;
        mendedAt = Date.now();
        await world.oauthProxy.removeToxic('hang');
        screen.step('The OAuth server (crm) answers again');
      },
    );
    const findings = await gather(cast, { view, sentAt, mendedAt, hijacked, untouched: await second.untouched() });
    const complaints = complaintsOf(findings);
    screen.summary(summaryOf(findings, complaints), summaryLines(findings, complaints, view.workflow.url));
    return complaints.length === 0;
  } finally {
    await hijacked.end();
    void service; // its connections are per request; nothing to close
  }
}

/** A stop shows something only where the loop had got in before it; on a slow machine that takes it longer than the rampage lasts. */
async function untilRampant(hijacked: Hijacked, systems: number): Promise<void> {
  const giveUpAt = Date.now() + rampageAtMostMs;
  await sleep(rampageMs);
  const isIn = (): number => [...hijacked.reports().values()].filter(({ successes }) => successes > 0).length;
  while (isIn() < systems && Date.now() < giveUpAt) await sleep(50);
}

const hungConnector = 'crm';

const waitsForOthers = (view: StopView): boolean =>
  view.lanes.length === 0 || view.lanes.some((lane) => lane.connector !== hungConnector && lane.state !== 'proved');

async function startHonestTask(
  { service, world }: Cast,
  screen: Screen,
): Promise<{ readonly task: Task; readonly child: Task }> {
  const prompt = 'Remind everybody whose invoice is overdue.';
  const task = await service.tasks.start({
    agentId: 'billing-bot',
    prompt,
  });
  screen.step(`A backend service starts billing-bot: "${prompt}" (${task.taskId})`);
  for (let waited = 0; waited < 30_000; waited += 100) {
    const [now, all] = [await service.tasks.get(task.taskId), await service.tasks.list({ limit: 50 })];
    const child = all.items.find((item) => item.parentTaskId === task.taskId && item.state === 'running');
    if (now.state === 'running' && child !== undefined && world.tools.calls().length >= 3) {
      screen.fact(
        'task',
        `${world.tools.calls().length} tool calls through the gateway; sub-agent ${child.agentId} runs as ${child.taskId}`,
        { calls: world.tools.calls().length, child: child.taskId },
      );
      return { task: now, child };
    }
    if (now.state === 'closed') throw new Error(`the task ended too soon: ${now.outcome ?? 'no outcome'}`);
    await sleep(100);
  }
  throw new Error('the task did not get going within 30 s');
}

interface SecondGeneration {
  advance(view: StopView): Promise<void>;
  untouched(): Promise<boolean>;
}

/** While the old revocation still hangs: reset, start again, and hold the new credentials against everything that follows. */
function createSecondGeneration(
  { operator, service, ...cast }: Cast,
  screen: Screen,
  stopId: string,
): SecondGeneration {
  let loot: readonly LootItem[] | undefined;
  let begun = false;
  return {
    advance: async (view) => {
      const reached = (name: string): boolean => view.stages.some((stage) => stage.stage === name && stage.at !== null);
      if (begun || !reached('fenced') || !reached('halted')) return;
      begun = true;
      await operator.stops.reset(stopId, { reason: 'demo: a fresh billing-bot takes over' });
      const task = await service.tasks.start({ agentId: 'billing-bot', prompt: 'Take over.' });
      // Its crm credential comes from the server that hangs, so the new generation does without it until then.
      loot = await fetchLoot({ operator, service, ...cast }, task, ['database', 'queue', 'wake-up']);
      screen.step(
        `The operator resets the stop; billing-bot begins anew with ${loot.length} new credentials (${task.taskId}), while the old ones are still worked off`,
      );
    },
    untouched: async () => {
      if (loot === undefined) return false;
      for (const { system, secret } of loot) {
        try {
          const use = await openUse(system, secret);
          await use.once();
          await use.close();
        } catch (thrown) {
          screen.fact('second-generation', `${system}: ${thrown instanceof Error ? thrown.message : 'refused'}`, {
            system,
          });
          return false;
        }
      }
      return true;
    },
  };
}

interface Gathered {
  readonly view: StopView;
  readonly sentAt: number;
  readonly mendedAt: number | undefined;
  readonly hijacked: Hijacked;
  readonly untouched: boolean;
}

async function gather(
  { world, installation, service }: Cast,
  { view, sentAt, mendedAt, hijacked, untouched }: Gathered,
): Promise<Findings> {
  const covered = (await service.tasks.list({ limit: 200 })).items
    .filter((task) => task.epoch < view.epoch)
    .map((task) => task.taskId);
  return {
    view,
    sentAt,
    hung: { connector: hungConnector, mendedAt },
    reports: hijacked.reports(),
    toolCallsAt: world.tools.calls().flatMap(({ taskId, at }) => (covered.includes(taskId) ? [at] : [])),
    stillRunning: await runningWorkflows(installation.temporal.address, covered),
    secondGenerationUntouched: untouched,
  };
}

/** Asks Temporal itself, not estop. */
async function runningWorkflows(address: string, taskIds: readonly string[]): Promise<readonly string[]> {
  const { Client, Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address, channelArgs: directly });
  try {
    const client = new Client({ connection, namespace: namespaces.agents });
    const running: string[] = [];
    for (const taskId of taskIds) {
      const described = await client.workflow.getHandle(agentTaskWorkflowId(taskId)).describe();
      if (described.status.name === 'RUNNING') running.push(described.workflowId);
    }
    return running;
  } finally {
    await connection.close();
  }
}
