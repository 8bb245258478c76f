import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { clientNames } from '../../src/cli/client-settings.ts';
import { commands } from '../../src/cli/commands/index.ts';
import { offersOf } from '../../src/cli/completion/command-tree.ts';
import { completionScript, type Shell, shells } from '../../src/cli/completion/scripts.ts';
import { createProgram } from '../../src/cli/program.ts';
import { personRoles } from '../../src/core/mandate.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { agentSpec, startTask, stop } from '../store/ledger.ts';
import { type CliRig, deadUrl, mainPath, makeCliRig, runProgram } from './rig.ts';

const script = async (shell: Shell): Promise<string> =>
  completionScript(shell, await offersOf(createProgram(), commands));

const folder = tempFolder();
const sourced = join(folder, 'estop.bash');
const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _estop; printf '%s\\n' "\${COMPREPLY[@]}"`;

/** An `estop` on the PATH that says this, as one of another version or of somebody else would. */
function withEstop(text: string): Record<string, string> {
  const bin = tempFolder();
  writeFileSync(join(bin, 'estop'), `#!/bin/sh\n${text}\n`);
  chmodSync(join(bin, 'estop'), 0o755);
  return { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
}

/** What bash would offer at the end of this line, and what it said meanwhile. */
function completed(line: string, env: Record<string, string> = withEstop('exit 1'), cwd = folder) {
  const done = spawnSync('bash', ['-c', ask, 'bash', sourced, ...line.split(' ')], { encoding: 'utf8', env, cwd });
  return { words: done.stdout.split('\n').filter(Boolean), said: done.stderr };
}
const offered = (line: string): readonly string[] => completed(line).words;

beforeAll(async () => writeFileSync(sourced, await script('bash')));

describe('completion', () => {
  it('offers commands, their sub-commands and options', () => {
    expect(offered('estop st')).toEqual(['stop']);
    expect(offered('estop stop a')).toEqual(['agent']);
    expect(offered('estop stop agent billing-bot --dr')).toEqual(['--dry-run']);
    expect(offered('estop --json stop fl')).toEqual(['fleet']);
    expect(offered('estop completion ')).toEqual([...shells, '--help']);
  });

  it('offers the choices of an option after it, and nothing of ours where it takes any text', () => {
    expect(offered('estop audit export --format ')).toEqual(['csv', 'jsonl']);
    expect(offered('estop audit export --format = js')).toEqual(['jsonl']);
    expect(offered('estop audit export --format =')).toEqual(['csv', 'jsonl']);
    expect(offered('estop elevate --role ')).toEqual(personRoles);
    expect(offered('estop stop agent billing-bot --category ')).toEqual(['0', '1']);
    expect(offered('estop task ls --in o')).toEqual(['open']);
    for (const spelled of ['estop --output', 'estop -o', 'estop task ls --output', 'estop agents -o'])
      expect([spelled, offered(`${spelled} `)]).toEqual([spelled, ['text', 'json', 'jsonl']]);
    expect(offered('estop connect ')).toEqual(expect.arrayContaining([...clientNames]));
    expect(offered('estop playbook proceed x ')).toContain('purge-queue');
    expect(offered('estop stop agent billing-bot --reason ')).toEqual([]);
  });

  it.each(shells)('is a script that %s takes', async (shell) => {
    const text = await script(shell);
    expect(text).toContain('stop agent');
    expect(text).toContain('csv jsonl');
    const file = join(folder, `taken.${shell}`);
    writeFileSync(file, text);
    const checked = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    // A shell that is not on this machine checks nothing; bash always is.
    if (checked.error === undefined) expect(checked.stderr).toBe('');
    else expect(shell).not.toBe('bash');
  });

  it('takes nothing into a line that a shell would run or a terminal obey, whoever answers', () => {
    const hostile = [
      '$(touch owned)',
      '`touch owned`',
      'a;touch owned',
      'a b',
      '*',
      '--yes',
      '-rf',
      'a\u001b[31m',
      "a'b",
      'a"b',
      '~',
      '{a,b}',
    ];
    const lies = withEstop(`cat <<'END'\n${hostile.join('\n')}\nbilling-bot\nEND`);
    expect(completed('estop stop agent ', lies).words.filter((word) => !word.startsWith('--'))).toEqual([
      'billing-bot',
    ]);
    expect(existsSync(join(folder, 'owned'))).toBe(false);
  });

  it('asks nobody at an address that is being typed: a token goes nowhere because somebody pressed Tab', () => {
    const named = withEstop('echo "$@" | tr " " "\\n"');
    const plain = completed('estop --profile prod stop agent ', named).words;
    expect(plain).toEqual(expect.arrayContaining(['prod', 'completion', 'agent']));
    for (const line of [
      'estop --control-url http://evil.example stop agent ',
      'estop --stop-url = http://evil.example stop agent ',
    ])
      expect(completed(line, named).words.filter((word) => !word.startsWith('-'))).toEqual([]);
  });
});

describe('completion of what there is just now', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });
  const estop = () => withEstop(`exec '${process.execPath}' '${mainPath}' "$@"`);
  // The control API answers from this very process, which must not stand still meanwhile.
  const ids = async (line: string, env: Record<string, string> = {}) => {
    const options = { env: { HOME: folder, ...estop(), ...rig.env, ...env }, cwd: rig.stateFolder };
    const done = await promisify(execFile)('bash', ['-c', ask, 'bash', sourced, ...line.split(' ')], options);
    const words = done.stdout.split('\n').filter(Boolean);
    return { ids: words.filter((word) => !word.startsWith('-')), said: done.stderr };
  };

  it('prints the script that was looked at above', async () => {
    const printed = await rig.run(['completion', 'bash']);
    expect(printed).toEqual({ code: 0, stdout: `${(await script('bash')).trimEnd()}\n`, stderr: '' });
  });

  it('offers agents, open tasks, stops in force and pending approvals, by what is typed of them', async () => {
    expect(await ids('estop stop agent b')).toEqual({ ids: ['billing-bot'], said: '' });
    expect((await ids('estop task ls --agent ')).ids).toEqual(['billing-bot', 'mail-bot']);
    const { taskId } = await startTask(rig.ledger, agentSpec('billing-bot'));
    expect((await ids('estop stop task ')).ids).toEqual([taskId]);
    const { stopId } = await stop(rig.ledger, 'label:team=nobody');
    expect((await ids('estop reset ')).ids).toEqual([stopId]);
    expect((await ids('estop stop show stop_')).ids).toEqual([stopId]);
    expect((await ids('estop approve ')).ids).toEqual([]);
    expect((await ids('estop stop agent --')).ids).toEqual([]);
  });

  it('is silent where nobody answers, answers late, or does not know who asks', async () => {
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void mute.close());
    const address = mute.address();
    const late = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 1}`;
    for (const env of [
      { ESTOP_CONTROL_URL: await deadUrl() },
      { ESTOP_CONTROL_URL: late },
      { ESTOP_TOKEN: 'estop_test_nobody' },
    ])
      expect(await ids('estop stop agent ', env)).toEqual({ ids: [], said: '' });
    const ran = await runProgram([mainPath, 'completion', 'bash', '--ids', 'agent'], { cwd: tempFolder() });
    expect(ran).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});
