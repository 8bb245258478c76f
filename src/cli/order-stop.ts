import type { StopPreview, StopView } from '../contract/http/stops.ts';
import type { StopCategory, StopReceipt } from '../contract/stop.ts';
import { errorCodeOf } from '../core/errors.ts';
import { EstopError, newStopId, type StopTarget } from '../sdk/index.ts';
import { scopeKeyOf } from '../sdk/scope.ts';
import { confirm } from './confirm.ts';
import type { CliContext } from './context.ts';
import { directCommand } from './direct-command.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { followStop, verdictLine } from './follow-stop.ts';
import { previewLine } from './preview-line.ts';
import { printOne } from './print.ts';
import { laneLines } from './stop-lines.ts';
import { exitCodeOfVerdict, judgeStop } from './stop-verdict.ts';
import { visible } from './visible.ts';
import { duration } from './when.ts';

export interface OrderOptions {
  readonly reason: string;
  readonly category: '0' | '1';
  readonly grace?: number;
  /** Milliseconds; false with --no-wait. */
  readonly wait: number | false;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly direct?: boolean;
  readonly stopId?: string;
}

/** One action: order, say `latched` as soon as it is, then follow. Nothing here may stand between the key press and the latch. */
export async function orderStop(
  context: CliContext,
  target: StopTarget,
  scopeWords: readonly string[],
  options: OrderOptions,
): Promise<ExitCode> {
  const { terminal, connection } = context;
  const scopeKey = scopeKeyOf(target);
  if (options.dryRun === true) {
    const preview = await context.estop.stops.preview(target);
    printOne(terminal, preview, () => [previewLine(preview)]);
    return exitCodes.confirmed;
  }
  if (scopeKey === 'fleet' && options.yes !== true && !(await confirmFleet(context, target))) return exitCodes.declined;
  const category: StopCategory = options.category === '1' ? 1 : 0;
  const order = {
    stopId: options.stopId ?? newStopId(connection.environment),
    scopeKey,
    category,
    graceMs: options.grace,
    reason: options.reason,
  };
  const began = performance.now();
  let receipt: StopReceipt;
  try {
    receipt = options.direct === true ? await directly(context, order) : await send(context, target, order);
  } catch (thrown) {
    if (options.direct !== true && isOutOfReach(thrown)) offerDirect(context, directCommand({ ...order, scopeWords }));
    throw thrown;
  }
  report(context, scopeKey, receipt, performance.now() - began);
  if (options.wait === false) {
    finish(context, receipt, undefined);
    return receipt.state === 'latched' ? exitCodes.confirmed : exitCodes.latchedOnly;
  }
  return follow(context, receipt, options.wait);
}

interface Order {
  readonly stopId: string;
  readonly scopeKey: string;
  readonly category: StopCategory;
  readonly graceMs: number | undefined;
  readonly reason: string;
}

async function directly({ terminal, connection }: CliContext, order: Order): Promise<StopReceipt> {
  const { stopDirectly } = await import('./direct/stop-directly.ts');
  return stopDirectly(terminal, connection, order);
}

function send(
  { estop }: CliContext,
  target: StopTarget,
  { stopId, category, graceMs, reason }: Order,
): Promise<StopReceipt> {
  return estop.stops.stop(target, {
    stopId,
    category,
    reason,
    method: 'cli',
    ...(graceMs === undefined ? {} : { graceMs }),
  });
}

/** The count may be slow or unknown; it is for the person who is asked, and --yes asks nobody. */
async function confirmFleet(context: CliContext, target: StopTarget): Promise<boolean> {
  if (!context.terminal.canAsk)
    throw new EstopError('invalid-input', {
      detail: 'There is no terminal to ask on: a fleet stop without one needs --yes.',
    });
  const count = await previewForPrompt(context, target);
  return confirm(context.terminal, `Stop the whole fleet? ${count}`);
}

async function previewForPrompt({ estop }: CliContext, target: StopTarget): Promise<string> {
  const unknown = 'How much that is could not be counted.';
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, 2_000, undefined).unref());
  const preview: StopPreview | undefined = await Promise.race([
    estop.stops.preview(target).catch(() => undefined),
    late,
  ]);
  return preview === undefined ? unknown : previewLine(preview);
}

const isOutOfReach = (thrown: unknown): boolean =>
  ['unreachable', 'store-unavailable', 'temporal-unavailable', 'bad-answer', 'unauthenticated'].includes(
    errorCodeOf(thrown),
  );

function offerDirect({ terminal }: CliContext, command: string): void {
  terminal.say(
    `${terminal.paint.red('NOT STOPPED')}: there was no receipt. Straight to the store, without any of our processes:`,
  );
  terminal.say(`  ${visible(command)}`);
}

function report({ terminal }: CliContext, scopeKey: string, receipt: StopReceipt, tookMs: number): void {
  const { paint } = terminal;
  if (terminal.format === 'jsonl') return terminal.data(JSON.stringify({ kind: 'receipt', scopeKey, ...receipt }));
  if (receipt.state === 'accepted')
    return terminal.say(`${paint.yellow('accepted')} ${scopeKey}, not latched yet  ${receipt.stopId}`);
  const again = receipt.fresh ? '' : ', the same stop as before';
  terminal.say(
    `${paint.green('latched')} ${scopeKey} in ${duration(tookMs)}, epoch ${receipt.epoch}${again}  ${receipt.stopId}`,
  );
}

async function follow(context: CliContext, receipt: StopReceipt, waitMs: number): Promise<ExitCode> {
  const { terminal } = context;
  const leave = (): never => {
    terminal.endDrawing();
    terminal.say(`\nOnly this view of it ends; the stop stands. Look again with: estop stop show ${receipt.stopId}`);
    return process.exit(exitCodes.declined);
  };
  process.once('SIGINT', leave);
  try {
    const stop = context.connection.token === undefined ? undefined : await followStop(context, receipt.stopId, waitMs);
    return finish(context, receipt, stop);
  } finally {
    process.removeListener('SIGINT', leave);
  }
}

function finish({ terminal, now }: CliContext, receipt: StopReceipt, stop: StopView | undefined): ExitCode {
  const verdict = stop === undefined ? undefined : judgeStop(stop);
  if (terminal.format !== 'text') {
    const result = { kind: 'result', verdict: verdict?.kind ?? receipt.state, receipt, stop: stop ?? null };
    terminal.data(terminal.format === 'json' ? JSON.stringify(result, null, 2) : JSON.stringify(result));
  } else {
    terminal.data(receipt.stopId);
    if (stop !== undefined && !terminal.isLive) for (const line of laneLines(stop, now(), 200)) terminal.say(line);
    if (verdict !== undefined) terminal.say(verdictLine(verdict, terminal.paint));
    else
      terminal.say(
        `${terminal.paint.yellow(receipt.state)}: nothing beyond that was verified here. Look again with: estop stop show ${receipt.stopId}`,
      );
  }
  return verdict === undefined ? exitCodes.latchedOnly : exitCodeOfVerdict(verdict);
}
