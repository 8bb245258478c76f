import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { PolicySet } from '../../policy/parse-set.ts';
import { EstopError } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext, Run } from '../context.ts';
import type { ExitCode } from '../exit-code.ts';
import { visible } from '../visible.ts';

interface TestOptions {
  readonly runs: string;
  readonly tools?: string;
  readonly policy?: string;
  readonly config?: string;
  readonly assume: 'allow' | 'deny';
}

export const policy: CliCommand = {
  build: (command, run) => {
    buildTest(command, run);
  },
};

function buildTest(command: Command, run: Run): void {
  command
    .command('test')
    .description('Say what policies would have decided of recorded runs; asks nobody, calls nothing, needs no server')
    .requiredOption(
      '--runs <file>',
      'one JSON object a line: {run, request, tools?, calls: [{tool, args, output, error?}]}',
    )
    .option('--tools <file>', 'the definitions of the tools: {"<list>": [{name, description, inputSchema}]}')
    .option('--policy <folder>', 'the *.cedar files to try (default: those that come with estop)')
    .option('--config <file>', 'what estop.yaml decided about the tools (default: estop.yaml, if there is one)')
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
      ),
    )
    .action(run((context, options: TestOptions) => test(context, options)));
}

async function test(context: CliContext, options: TestOptions): Promise<ExitCode> {
  const { testPolicies } = await import('../policy-test.ts');
  for (const file of [options.runs, options.tools, options.config])
    if (file !== undefined && !existsSync(file))
      throw new EstopError('not-found', { detail: `There is no file ${visible(file)}.` });
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
  if (folder !== undefined && !existsSync(folder))
    throw new EstopError('not-found', { detail: `There is no folder ${visible(folder)}.` });
  return readPolicyFolder(folder ?? policiesFolder);
}
