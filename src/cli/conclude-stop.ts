import type { StopView } from '../contract/http/stops.ts';
import type { StopReceipt } from '../contract/stop.ts';
import type { CliContext } from './context.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { followStop, verdictLine } from './follow-stop.ts';
import { nearScope } from './near-scope.ts';
import { whatWentWrong } from './report-error.ts';
import { laneLines } from './stop-lines.ts';
import { exitCodeOfVerdict, judgeStop } from './stop-verdict.ts';
import { visible } from './visible.ts';

/** Everything after the receipt: follow the stop as long as wanted, then say what it may be called. */
export async function concludeStop(context: CliContext, receipt: StopReceipt, wait: number | false): Promise<ExitCode> {
  if (wait !== false) return follow(context, receipt, wait);
  await finish(context, receipt, undefined);
  return receipt.state === 'latched' ? exitCodes.confirmed : exitCodes.latchedOnly;
}

/** Somebody has seen enough, or closes the terminal. */
const leaving = ['SIGINT', 'SIGHUP'] as const;

async function follow(context: CliContext, receipt: StopReceipt, waitMs: number): Promise<ExitCode> {
  const { terminal } = context;
  const leave = (): never => {
    terminal.endDrawing();
    terminal.say('');
    terminal.say(`Only this view of it ends; the order stands. Look again with: estop stop show ${receipt.stopId}`);
    return process.exit(exitCodes.declined);
  };
  for (const signal of leaving) process.once(signal, leave);
  try {
    const stop = context.connection.token === undefined ? undefined : await look(context, receipt.stopId, waitMs);
    return await finish(context, receipt, stop);
  } finally {
    for (const signal of leaving) process.removeListener(signal, leave);
  }
}

/** Whatever keeps somebody from seeing how far it is, the order stands: that is the answer to the command, and its exit code. */
async function look(context: CliContext, stopId: string, waitMs: number): Promise<StopView | undefined> {
  try {
    return await followStop(context, stopId, waitMs);
  } catch (thrown) {
    const { title, detail, advice } = whatWentWrong(thrown, context.versions);
    const why = [title, detail, advice].filter((part) => part !== undefined).join(' ');
    context.terminal.say(`${context.terminal.paint.yellow('how far it is cannot be seen from here')}: ${visible(why)}`);
    return undefined;
  }
}

async function finish(context: CliContext, receipt: StopReceipt, stop: StopView | undefined): Promise<ExitCode> {
  const { terminal, now } = context;
  const verdict = stop === undefined ? undefined : judgeStop(stop);
  if (terminal.format !== 'text') {
    const result = { kind: 'result', verdict: verdict?.kind ?? receipt.state, receipt, stop: stop ?? null };
    terminal.data(terminal.format === 'json' ? JSON.stringify(result, null, 2) : JSON.stringify(result));
  } else {
    terminal.data(receipt.stopId);
    if (stop !== undefined && !terminal.isLive) for (const line of laneLines(stop, now(), 200)) terminal.say(line);
    if (verdict !== undefined) {
      terminal.say(verdictLine(verdict, terminal.paint));
      if (verdict.kind === 'names-nobody') await sayWhatIsNear(context, stop);
    } else
      terminal.say(
        `${terminal.paint.yellow(receipt.state)}: nothing beyond that was verified here. Look again with: estop stop show ${receipt.stopId}`,
      );
  }
  return verdict === undefined ? exitCodes.latchedOnly : exitCodeOfVerdict(verdict);
}

async function sayWhatIsNear(context: CliContext, stop: StopView | undefined): Promise<void> {
  const near = stop === undefined ? undefined : await nearScope(context, stop.scopeKey);
  if (near !== undefined) context.terminal.say(`  Did you mean: estop stop ${near}`);
}
