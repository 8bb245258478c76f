import type { ToolDefinition, ToolPin } from '../../contract/http/tools.ts';
import { EstopError } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne, printPage } from '../print.ts';
import { renderTable } from '../table.ts';
import { comparedIn, toolDiffLines, toolTable, toReview } from '../tool-lines.ts';
import { visible } from '../visible.ts';

interface AcceptOptions {
  readonly hash?: string;
  readonly yes?: boolean;
  readonly reason?: string;
}

export const tool: CliCommand = {
  build: (command, run) => {
    command
      .command('ls')
      .description('The tools on record: tier, state, who accepted them')
      .option('--changed', 'only what waits for somebody to look at it')
      .addHelpText('after', examples('tool ls', 'tool ls --changed --json'))
      .action(run((context, options: { readonly changed?: boolean }) => list(context, options.changed === true)));
    command
      .command('review')
      .description('Proposed tiers that nobody has decided yet, the ones that let most through first')
      .addHelpText('after', examples('tool review'))
      .action(run(review));
    command
      .command('diff <server/tool>')
      .description('What a server changed in the definition of a tool')
      .option('--hash <hash>', 'compare with this definition (its beginning is enough)')
      .addHelpText('after', examples('tool diff billing/refund_payment'))
      .action(run((context, name: string, options: AcceptOptions) => diff(context, name, options)));
    command
      .command('accept <server/tool>')
      .description('Let the changed definition be called, and no other')
      .option('--hash <hash>', 'the definition that you have looked at; needed with --yes')
      .option('-y, --yes', 'do not ask')
      .option('--reason <words>', 'why; it stands in the audit')
      .addHelpText('after', examples('tool accept billing/refund_payment'))
      .action(run((context, name: string, options: AcceptOptions) => accept(context, name, options)));
  },
};

async function list({ terminal, estop }: CliContext, changedOnly: boolean): Promise<ExitCode> {
  const page = await estop.tools.list(changedOnly ? { state: 'changed' } : {});
  printPage(terminal, page, toolTable);
  if (page.items.length === 0) terminal.say(changedOnly ? 'Nothing waits to be looked at.' : 'No tool was seen yet.');
  return exitCodes.confirmed;
}

async function review({ terminal, estop }: CliContext): Promise<ExitCode> {
  const page = await estop.tools.list({ state: 'accepted' });
  const items = toReview(page.items);
  printPage(terminal, { items, next: null }, (rows) =>
    renderTable<ToolPin>(
      [
        { title: 'proposed', cell: (row) => row.proposedTier },
        { title: 'tool', cell: (row) => row.tool },
        { title: 'because', cell: (row) => row.because },
        { title: 'labels', cell: (row) => row.labels.join(' ') },
      ],
      rows,
    ),
  );
  terminal.say(
    items.length === 0
      ? 'Every tool that may be called has a tier in estop.yaml.'
      : 'Decide in estop.yaml: tools.<server>.tiers: { <tool>: read | fetch | write | destructive | code }',
  );
  return exitCodes.confirmed;
}

async function diff({ terminal, estop }: CliContext, name: string, { hash }: AcceptOptions): Promise<ExitCode> {
  const { items } = await estop.tools.get(name);
  const { accepted, other } = comparedIn(items, hash);
  if (other === undefined) {
    if (hash !== undefined) throw new EstopError('unknown-tool');
    terminal.say('It is as it was accepted.');
    return exitCodes.confirmed;
  }
  printOne(terminal, { accepted: accepted ?? null, changed: other }, () => toolDiffLines(accepted, other));
  return exitCodes.confirmed;
}

/** What is shown is what is accepted: the hash goes along, and a definition that came meanwhile is another one. */
async function accept(context: CliContext, name: string, options: AcceptOptions): Promise<ExitCode> {
  const { terminal, estop } = context;
  if (options.yes === true && options.hash === undefined)
    throw new EstopError('invalid-input', { detail: 'Add --hash with the definition that was looked at.' });
  if (options.yes !== true && !terminal.canAsk)
    throw new EstopError('invalid-input', { detail: 'There is no terminal to ask on: add --hash and --yes.' });
  const { items } = await estop.tools.get(name);
  const chosen = chosenIn(items, options.hash);
  for (const line of toolDiffLines(comparedIn(items, chosen.hash).accepted, chosen)) terminal.say(line);
  if (chosen.resembles !== null) terminal.say(`Its name could be taken for ${visible(chosen.resembles)}.`);
  if (options.yes !== true && !(await confirm(terminal, 'Let exactly this definition be called?')))
    return exitCodes.declined;
  const pin = await estop.tools.accept(name, { hash: chosen.hash, reason: options.reason });
  printOne(terminal, pin, () => [`accepted  ${visible(pin.tool)}  ${pin.hash}`]);
  return exitCodes.confirmed;
}

function chosenIn(definitions: readonly ToolDefinition[], hash: string | undefined): ToolDefinition {
  if (hash === undefined) {
    const { other } = comparedIn(definitions, undefined);
    if (other !== undefined) return other;
    throw new EstopError('conflict', { detail: 'It is as it was accepted.' });
  }
  const [found, ...more] = definitions.filter((one) => one.hash.startsWith(hash));
  if (found === undefined) throw new EstopError('unknown-tool', { detail: 'No definition of that hash was seen.' });
  if (more.length > 0) throw new EstopError('invalid-input', { detail: 'More than one hash begins like that.' });
  return found;
}
