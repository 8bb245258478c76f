import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shells } from '../../src/cli/completion/scripts.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { mainPath } from './rig.ts';

const script = (shell: string): string =>
  execFileSync(process.execPath, [mainPath, 'completion', shell], { encoding: 'utf8' });

/** What bash would offer at the end of this line. */
function offered(line: string): readonly string[] {
  const file = join(tempFolder(), 'estop.bash');
  writeFileSync(file, script('bash'));
  const words = line.split(' ');
  const source = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _estop; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', source, 'bash', file, ...words], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);
}

describe('completion', () => {
  it('offers commands, their sub-commands and options', () => {
    expect(offered('estop st')).toEqual(['stop']);
    expect(offered('estop stop a')).toEqual(['agent']);
    expect(offered('estop stop agent billing-bot --dr')).toEqual(['--dry-run']);
    expect(offered('estop --json stop fl')).toEqual(['fleet']);
    expect(offered('estop completion ')).toEqual([...shells, '--help']);
  });

  it.each(shells)('is a script that %s takes', (shell) => {
    const text = script(shell);
    expect(text).toContain('stop agent');
    const checked = spawnSync(shell, ['-n'], { input: text, encoding: 'utf8' });
    // A shell that is not on this machine checks nothing; bash always is.
    if (checked.error === undefined) expect(checked.stderr).toBe('');
    else expect(shell).not.toBe('bash');
  });
});
