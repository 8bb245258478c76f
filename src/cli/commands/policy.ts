import { existsSync, statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { ActivationResult, PolicyCheck } from '../../contract/http/policies.ts';
import { plural } from '../../contract/plural.ts';
import type { PolicySet } from '../../policy/parse-set.ts';
import { EstopError } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { CliContext, Run } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne } from '../print.ts';
import { wordToType } from '../quote-for-shell.ts';
import type { Terminal } from '../terminal.ts';
import { visible, visibleLines } from '../visible.ts';
import { exact } from '../when.ts';

interface TestOptions {
  readonly runs: string;
  readonly tools?: string;
  readonly policy?: string;
  readonly config?: string;
  readonly assume: 'allow' | 'deny';
  readonly inForce?: boolean;
}

export const policy: CliCommand = {
  build: (command, run) => {
    buildLooks(command, run);
    buildChanges(command, run);
    buildTest(command, run);
  },
};

interface ChangeOptions {
  readonly reason: string;
  readonly yes?: boolean;
}

function buildLooks(command: Command, run: Run): void {
  command
    .command('check [folder]')
    .description(
      'Whether these *.cedar files (default: policies) could be in force, against the tools that are accepted now',
    )
    .addHelpText('after', examples('policy check', 'policy check team-policies --json'))
    .action(run((context, folder: string | undefined) => check(context, folder ?? 'policies')));
  command
    .command('show')
    .description('The policies that gateways decide by, and who activated what before')
    .option('--text', 'the policies themselves')
    .addHelpText('after', examples('policy show', 'policy show --text'))
    .action(run((context, options: { readonly text?: boolean }) => show(context, options.text === true)));
}

function buildChanges(command: Command, run: Run): void {
  command
    .command('activate [folder]')
    .description('Put these *.cedar files (default: policies) in force at every gateway')
    .requiredOption('--reason <text>', 'why')
    .option('--proposed <version>', 'as the second person: the set of this version that another one wants')
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      examples(
        'policy activate --reason "large refunds need two people"',
        'policy activate --proposed 611c06a8fb21810d --reason "read it"',
      ),
    )
    .action(
      run(
        (
          context,
          folder: string | undefined,
          { proposed, ...options }: ChangeOptions & { readonly proposed?: string },
        ) =>
          proposed === undefined
            ? activate(context, folder ?? 'policies', options)
            : second(context, proposed, folder, options),
      ),
    );
  command
    .command('rollback [version]')
    .description('Put an earlier set in force again; without a version the one before')
    .requiredOption('--reason <text>', 'why')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('policy rollback --reason "asks too often"'))
    .action(run((context, version: string | undefined, options: ChangeOptions) => rollBack(context, version, options)));
}

async function check(context: CliContext, folder: string): Promise<ExitCode> {
  const { terminal, estop } = context;
  const result = await estop.policies.check(await readFiles(folder));
  printOne(terminal, result, () => [
    ...result.faults.map((fault) => faultLine('fault', fault)),
    ...result.warnings.map((fault) => faultLine('warning', fault)),
    result.valid
      ? `valid, version ${result.version ?? ''}, checked against ${plural(result.tools, 'accepted tool')}`
      : `not valid: ${plural(result.faults.length, 'fault')}`,
  ]);
  return result.valid ? exitCodes.confirmed : exitCodes.error;
}

type Fault = PolicyCheck['faults'][number];
const faultLine = (kind: string, { file, policy: id, message }: Fault): string =>
  visible([kind, file, id ?? '', message].filter((part) => part !== '').join('  '));

async function show({ terminal, estop, now }: CliContext, whole: boolean): Promise<ExitCode> {
  const inForce = await estop.policies.inForce();
  printOne(terminal, inForce, () => [
    inForce.activation === 0
      ? `version ${inForce.version}, which comes with estop; none was ever activated`
      : `version ${inForce.version}, activation ${inForce.activation}`,
    ...Object.keys(inForce.files).map((name) => `  ${visible(name)}`),
    ...inForce.history.map(
      ({ activation, version, activatedBy, secondedBy, reason, activatedAt }) =>
        `${activation}  ${version}  ${exact(activatedAt, now())}  ${visible(activatedBy)}${secondedBy === null ? '' : ` and ${visible(secondedBy)}`}: ${visible(reason)}`,
    ),
    ...inForce.proposed.flatMap((one) => [
      `${one.version} waits for a second person until ${exact(one.endsAt, now())}: ${visible(one.proposedBy)} wants it${one.reason === null ? '' : `: ${visible(one.reason)}`}`,
      ...(whole
        ? Object.entries(one.files).flatMap(([name, text]) => [
            '',
            `// wanted: ${visible(name)}`,
            ...visibleLines(text),
          ])
        : []),
    ]),
    ...(whole
      ? Object.entries(inForce.files).flatMap(([name, text]) => ['', `// ${visible(name)}`, ...visibleLines(text)])
      : []),
  ]);
  return exitCodes.confirmed;
}

async function activate(context: CliContext, folder: string, options: ChangeOptions): Promise<ExitCode> {
  const { terminal, estop } = context;
  const files = await readFiles(folder);
  const { activation, version } = await estop.policies.inForce();
  if (!(await goOn(context, options, `This replaces version ${version} at every gateway.`))) return exitCodes.declined;
  return told(terminal, await estop.policies.activate(files, { reason: options.reason, after: activation }));
}

/** Only what waits just now: whoever is late, or names another set, puts nothing in force by it. */
async function second(
  { estop, ...context }: CliContext,
  version: string,
  folder: string | undefined,
  options: ChangeOptions,
): Promise<ExitCode> {
  if (folder !== undefined)
    throw new EstopError('invalid-input', { detail: 'Name a folder, or what is proposed: not both.' });
  const { proposed, activation } = await estop.policies.inForce();
  const wanted = proposed.find((one) => one.version === version);
  if (wanted === undefined)
    throw new EstopError('not-found', {
      detail: 'No set of that version waits for a second person: estop policy show',
    });
  const question = `${visible(wanted.proposedBy)} wants version ${version} at every gateway. You have read it (estop policy show --text)?`;
  if (!(await goOn(context, options, question))) return exitCodes.declined;
  return told(
    context.terminal,
    await estop.policies.activate(wanted.files, { reason: options.reason, after: activation }),
  );
}

async function rollBack(context: CliContext, version: string | undefined, options: ChangeOptions): Promise<ExitCode> {
  const { terminal, estop } = context;
  if (!(await goOn(context, options, `This puts ${visible(version ?? 'the set before')} in force at every gateway.`)))
    return exitCodes.declined;
  const wanted = { reason: options.reason, ...(version === undefined ? {} : { version }) };
  return told(terminal, await estop.policies.rollBack(wanted));
}

async function goOn(
  { terminal }: Pick<CliContext, 'terminal'>,
  { yes }: ChangeOptions,
  question: string,
): Promise<boolean> {
  if (yes === true) return true;
  return confirm(terminal, question);
}

function told(terminal: Terminal, result: ActivationResult): ExitCode {
  printOne(terminal, result, () => [activationLine(result)]);
  return result.outcome === 'awaiting-second-person' ? exitCodes.partial : exitCodes.confirmed;
}

function activationLine({ outcome, version, activation }: ActivationResult): string {
  switch (outcome) {
    case 'activated':
      return `version ${version} is in force, activation ${activation}; every gateway has it within a second or denies`;
    case 'already':
      return `version ${version} was in force already`;
    case 'awaiting-second-person':
      return `recorded; not in force until another person does this within 15 minutes: estop policy activate --proposed ${wordToType(version)} --reason ".."`;
  }
}

function buildTest(command: Command, run: Run): void {
  command
    .command('test')
    .description('Say what policies would have decided of recorded runs; asks nobody, calls nothing')
    .requiredOption(
      '--runs <file>',
      'one JSON object a line: {run, request, tools?, calls: [{tool, args, output, error?}]}',
    )
    .option('--tools <file>', 'the definitions of the tools: {"<list>": [{name, description, inputSchema}]}')
    .option('--policy <folder>', 'the *.cedar files to try (default: those that come with estop)')
    .option('--config <file>', 'what estop.yaml decided about the tools (default: estop.yaml, if there is one)')
    .addOption(
      new Option('--in-force', 'let the control API decide, by what is in force there').conflicts(['policy', 'config']),
    )
    .addOption(
      new Option('--assume <answer>', 'what the person who is asked answers')
        .choices(['allow', 'deny'])
        .default('deny'),
    )
    .addHelpText(
      'after',
      examples(
        'policy test --runs runs.jsonl --tools tools.json --json',
        'policy test --runs runs.jsonl --policy policies',
        'policy test --runs runs.jsonl --in-force',
      ),
    )
    .action(run((context, options: TestOptions) => test(context, options)));
}

async function test(context: CliContext, options: TestOptions): Promise<ExitCode> {
  const { testPolicies } = await import('../policy-test.ts');
  for (const file of [options.runs, options.tools, options.config]) if (file !== undefined) mustBe('file', file);
  if (options.inForce === true) return (await import('../policy-test-there.ts')).testInForce(context, options);
  const set = await readSet(options.policy);
  const configFile = options.config ?? (existsSync('estop.yaml') ? 'estop.yaml' : undefined);
  const config =
    configFile === undefined
      ? undefined
      : (await import('../../runtime/config/load-config.ts')).loadConfigOrThrow(configFile);
  return testPolicies(context, { set, runs: options.runs, tools: options.tools, assume: options.assume, config });
}

async function readSet(folder: string | undefined): Promise<PolicySet> {
  const { parsePolicySet } = await import('../../policy/parse-set.ts');
  const parsed = parsePolicySet(await readFiles(folder));
  if (parsed.ok) return parsed.set;
  const faults = parsed.faults.map(({ file, policy: id = '', message }) => `${file} ${id}: ${message}`);
  throw new EstopError('invalid-input', { detail: visible(`The policies are not valid. ${faults.join('; ')}`) });
}

async function readFiles(folder: string | undefined) {
  const { readPolicyFolder } = await import('../../policy/read-folder.ts');
  const { policiesFolder } = await import('../../runtime/package-root.ts');
  if (folder !== undefined) mustBe('folder', folder);
  return readPolicyFolder(folder ?? policiesFolder);
}

/** A pipe is as good as a file. */
function mustBe(kind: 'file' | 'folder', path: string): void {
  if (!existsSync(path)) throw new EstopError('not-found', { detail: `There is no ${kind} ${visible(path)}.` });
  if (statSync(path).isDirectory() !== (kind === 'folder'))
    throw new EstopError('invalid-input', { detail: `${visible(path)} is no ${kind}.` });
}
