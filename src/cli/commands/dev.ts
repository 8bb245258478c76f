import { join, resolve } from 'node:path';
import { startInstallation } from '../../runtime/installation/installation.ts';
import { collectGarbage } from '../../runtime/local/collect-garbage.ts';
import { exitCodes } from '../exit-code.ts';
import { tellOfTrouble } from '../tell-of-trouble.ts';

interface DevOptions {
  readonly config: string;
  readonly state: string;
}

/** Keeps the whole system up until Ctrl-C, which ends it cleanly; a second start finds its data again. */
export async function runDev(options: DevOptions): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  let isStarting = true;
  let isInterrupted = false;
  const untilInterrupted = new Promise<void>((done) => {
    const interrupt = (): void => {
      // A first start may take minutes. At the exit of this process its servers are killed; the next start recovers what they held.
      if (isStarting && isInterrupted) process.exit(exitCodes.declined);
      if (isStarting) say('ending as soon as everything is up; Ctrl-C once more ends it at once');
      // Whoever presses it again is told, and not obeyed: what is in memory is being written down.
      else if (isInterrupted) say('still ending: the servers are being shut down');
      isInterrupted = true;
      done();
    };
    // The last is what a terminal sends that is closed.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  });
  // Whatever is ours is started again by itself; these two are not.
  const tellOfEnd = (server: string, meanwhile: string): void => {
    if (!isInterrupted)
      say(
        `${server} has ended: until it is back ${meanwhile}. End this with Ctrl-C and start it again; the data stays.`,
      );
  };
  const startedAt = Date.now();
  const installation = await startInstallation({
    stateFolder: resolve(options.state),
    configPath: options.config,
    onProgress: say,
  });
  isStarting = false;
  const { profile } = installation;
  say(`estop is up (${Math.round((Date.now() - startedAt) / 100) / 10} s)`);
  say(`  control   ${profile.controlUrl}`);
  say(`  stop      ${profile.stopUrl}`);
  say(`  gateway   ${profile.gatewayUrl}/mcp`);
  if (profile.temporalUiUrl !== '') say(`  temporal  ${profile.temporalUiUrl}`);
  say(`  profile   ${installation.profilePath} (other terminals in this folder find it)`);
  say('  console   `estop console` prints a link that signs you in');
  say('Ctrl-C ends it; the data stays.');
  void installation.temporal.exited.then(() =>
    tellOfEnd('Temporal', 'stops latch and fence, and nothing is halted or cut off'),
  );
  void installation.postgres.exited.then(() =>
    tellOfEnd('PostgreSQL', 'no call is let through, and stops are only accepted'),
  );
  const endTelling = tellOfTrouble(join(installation.stateFolder, 'logs'), say);
  collectGarbage();
  await untilInterrupted;
  endTelling();
  say('ending ..');
  await installation.stop();
  return 0;
}
