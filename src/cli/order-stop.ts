import type { StopCategory, StopReceipt } from '../contract/stop.ts';
import { type ErrorCode, errorCodeOf } from '../core/errors.ts';
import { newStopId, type StopTarget } from '../sdk/index.ts';
import { scopeKeyOf } from '../sdk/scope.ts';
import type { CliContext } from './context.ts';
import { directCommand } from './direct-command.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { bytesOfKey, type MutationKey } from './mutation-key.ts';
import { visible } from './visible.ts';

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
  const { connection, mutationKey } = context;
  const scopeKey = scopeKeyOf(target);
  if (options.dryRun === true) {
    return (await import('./ask-first.ts')).printPreview(context, target);
  }
  if (scopeKey === 'fleet' && options.yes !== true) {
    const { confirmFleet } = await import('./ask-first.ts');
    if (!(await confirmFleet(context, target))) return exitCodes.declined;
  }
  const category: StopCategory = options.category === '1' ? 1 : 0;
  const order = {
    stopId: options.stopId ?? newStopId(connection.environment, seedOf(mutationKey)),
    scopeKey,
    category,
    graceMs: options.grace,
    reason: options.reason,
  };
  // A terminal that is closed takes no order back.
  process.on('SIGHUP', () => undefined);
  const began = performance.now();
  let receipt: StopReceipt;
  try {
    receipt = options.direct === true ? await directly(context, order) : await send(context, target, order);
  } catch (thrown) {
    if (hasAnotherWay(thrown)) {
      const command = directCommand({ ...order, scopeWords });
      if (options.direct === true) askAgain(context, command);
      else offerDirect(context, command);
    }
    throw thrown;
  }
  report(context, scopeKey, receipt, performance.now() - began);
  // Loaded only now: nothing of it was needed for the stop.
  const { concludeStop } = await import('./conclude-stop.ts');
  return concludeStop(context, receipt, options.wait);
}

/** Under a key that was given, an order is one stop, however often it is sent. */
const seedOf = (key: MutationKey): Uint8Array | undefined => (key.isGiven ? bytesOfKey(key) : undefined);

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

/** Said of this order by whoever takes orders: it would be the same by every way. */
const judged: ReadonlySet<ErrorCode> = new Set([
  'invalid-input',
  'invalid-json',
  'body-too-large',
  'forbidden',
  'foreign-environment',
  'conflict',
]);

/** Whatever else keeps a receipt away, the wrong server at the address among it, there is another way. */
const hasAnotherWay = (thrown: unknown): boolean => !judged.has(errorCodeOf(thrown));

function offerDirect({ terminal, connection }: CliContext, command: string): void {
  terminal.say(
    `${terminal.paint.red('NOT STOPPED')}: there was no receipt. Straight to the store, without any of our processes:`,
  );
  terminal.say(`  ${visible(command)}`);
  if (connection.directUrl === undefined && connection.temporalAddress === undefined)
    terminal.say(
      '  It needs ESTOP_DIRECT_URL or ESTOP_TEMPORAL_ADDRESS, and neither is known here: send it from where one is.',
    );
}

/** Nothing is left to fall back to: the same order again, as soon as one of the two answers. */
function askAgain({ terminal }: CliContext, command: string): void {
  terminal.say(
    `${terminal.paint.red('NOT STOPPED')}: neither the store nor Temporal gave a receipt. Again, and however often, it is the same stop:`,
  );
  terminal.say(`  ${visible(command)}`);
}

function report({ terminal }: CliContext, scopeKey: string, receipt: StopReceipt, tookMs: number): void {
  const { paint } = terminal;
  if (terminal.format === 'jsonl') return terminal.data(JSON.stringify({ kind: 'receipt', scopeKey, ...receipt }));
  if (receipt.state === 'accepted')
    return terminal.say(`${paint.yellow('accepted')} ${scopeKey}, not latched yet  ${receipt.stopId}`);
  const again = receipt.fresh ? '' : ', the same stop as before';
  const when = `in ${Math.round(tookMs)} ms, epoch ${receipt.epoch}`;
  terminal.say(`${paint.green('latched')} ${scopeKey} ${when}${again}  ${receipt.stopId}`);
}
