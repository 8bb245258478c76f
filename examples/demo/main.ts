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

muteNotices();
const startedAt = Date.now();
const screen = createScreen(options.json, startedAt);
const cast = await createInstallationFor(options, screen);
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
  process.stderr.write(`demo: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
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
