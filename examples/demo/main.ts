import { createInstallationFor } from './cast.ts';
import { muteNotices } from './mute-notices.ts';
import { readOptions } from './options.ts';
import { createScreen } from './screen.ts';
import { runStory } from './story.ts';

const options = readOptions(process.argv.slice(2));
if (typeof options === 'string') {
  process.stderr.write(`demo: ${options}\n`);
  process.exit(2);
}

// Node runs no exit handlers on an unhandled signal, and those are what ends the servers. The last is of a terminal that is closed.
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
for (const signal of signals) process.on(signal, () => process.exit(130));
// Nor does it matter to what is up that nobody reads what is said.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

// What a shell says to every client of a PostgreSQL (PGOPTIONS, PGSSLMODE) is not said to the demo's, of which one is pg-boss.
for (const name of Object.keys(process.env).filter((key) => key.startsWith('PG'))) delete process.env[name];

muteNotices();
const startedAt = Date.now();
const screen = createScreen(options.json, startedAt);
const cast = await createInstallationFor(options, screen).catch((thrown: unknown) => {
  tell(thrown);
  process.exit(1);
});
let code = 1;
let stopping: Promise<void> | undefined;
const stop = (): Promise<void> => {
  stopping ??= cast.stop();
  return stopping;
};
// Whoever presses it again is not obeyed: this process would be gone, and its servers would stay.
let isTold = false;
for (const signal of signals)
  process.removeAllListeners(signal).on(signal, () => void stop().finally(() => process.exit(isTold ? code : 130)));
try {
  code = (await runStory(cast, screen, options.sabotage.length > 0)) ? 0 : 1;
} catch (thrown) {
  tell(thrown);
} finally {
  if (!options.keep) await stop();
}
if (options.keep) {
  // What was found stays what was found, however long somebody looks around afterwards.
  isTold = true;
  process.stderr.write(
    `Left up: ${cast.installation.profile.controlUrl}, ${cast.installation.profile.temporalUiUrl}; Ctrl-C ends it.\n`,
  );
} else {
  process.exit(code);
}

function tell(thrown: unknown): void {
  process.stderr.write(`demo: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
}
