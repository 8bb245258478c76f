import type { StopPreview } from '../contract/http/stops.ts';
import { EstopError, type StopTarget } from '../sdk/index.ts';
import { confirm } from './confirm.ts';
import type { CliContext } from './context.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { nearScope } from './near-scope.ts';
import { playbookLine } from './playbook-line.ts';
import { previewLine } from './preview-line.ts';
import { printOne } from './print.ts';
import { wordToType } from './quote-for-shell.ts';
import { visible } from './visible.ts';

export async function printPreview({ terminal, estop }: CliContext, target: StopTarget): Promise<ExitCode> {
  const preview = await estop.stops.preview(target);
  const near = preview.scopeKnown === false ? await nearScope({ estop }, preview.scopeKey) : undefined;
  printOne(terminal, preview, () => [
    `Scope ${visible(preview.scopeKey)}, previewed as ${visible(preview.previewId)}.`,
    previewLine(preview),
    ...(near === undefined ? [] : [`Did you mean: estop stop ${near}`]),
    playbookLine(preview.playbook),
    `Nothing was stopped. --stop-id ${wordToType(preview.previewId)} orders it under this id, once however often it is sent.`,
  ]);
  return exitCodes.confirmed;
}

/** The count may be slow or unknown; it is for the person who is asked, and --yes asks nobody. */
export async function confirmFleet(context: CliContext, target: StopTarget): Promise<boolean> {
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
