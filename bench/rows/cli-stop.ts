import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { formatId } from '../../src/core/ids.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';

/** From the start of the process to the word `latched` on its output, beside a Node that does nothing. */
export const cliStop: Row = {
  name: 'cli-stop',
  needs: 'bed',
  run: async (bed, { quick }): Promise<readonly Figure[]> => {
    const count = quick ? 11 : 40;
    const { profile, stateFolder } = bed.installation;
    const env = {
      ...process.env,
      ESTOP_STATE: stateFolder,
      ESTOP_CONTROL_URL: profile.controlUrl,
      ESTOP_STOP_URL: profile.stopUrl,
      ESTOP_TOKEN: profile.token,
      NO_COLOR: '1',
    };
    const [ours, bare]: [number[], number[]] = [[], []];
    for (let i = 0; i < count; i += 1) {
      const taskId = formatId('task', profile.environment, randomBytes(16));
      ours.push(
        await untilOutput(
          [join(packageRoot, 'bin', 'estop.js'), 'stop', 'task', taskId, '--yes', '--wait=0s'],
          env,
          /latched/,
        ),
      );
      bare.push(await untilOutput(['-e', 'console.log("latched")'], env, /latched/));
    }
    return [
      figure({
        name: '`estop stop` from key press to latched, median',
        value: percentile(ours, 50),
        unit: 'ms',
        rival: percentile(bare, 50),
        rivalName: 'bare node start',
        bar: '<= 250 ms',
        holds: (value) => value <= 250,
      }),
    ];
  },
};

function untilOutput(args: readonly string[], env: NodeJS.ProcessEnv, wanted: RegExp): Promise<number> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const child = spawn(process.execPath, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let seenAt: number | undefined;
    const read = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      if (seenAt === undefined && wanted.test(output)) seenAt = performance.now();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('exit', (code) =>
      seenAt === undefined ? reject(new Error(`exit ${code}: ${output.slice(0, 400)}`)) : resolve(seenAt - begun),
    );
  });
}
