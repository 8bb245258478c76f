import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errorCodeOf } from '../../core/errors.ts';
import { EstopError } from '../../sdk/index.ts';
import { readProblem } from '../../sdk/read-problem.ts';
import { type CliCommand, examples } from '../command.ts';
import { loginProfile, profilesFolder } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne } from '../print.ts';
import { visible } from '../visible.ts';
import { exact } from '../when.ts';

interface LoginOptions {
  readonly saveAs: string;
}

/** Where control says nothing that can be meant. */
const usualMs = 5_000;
const shortestMs = 250;
const longestMs = 30 * 60_000;

const passing: readonly string[] = ['provider-unavailable', 'store-unavailable', 'unreachable'];

export const login: CliCommand = {
  build: (command, run) => {
    command
      .option('--save-as <profile>', 'the profile that keeps the sign-in', loginProfile)
      .addHelpText(
        'after',
        `\nOpen the address that it prints, on any machine, and confirm the code. The sign-in is kept in a profile that only you can read.\n${examples('login --control-url https://estop.example.org', 'login --save-as production --control-url https://estop.example.org')}`,
      )
      .action(run((context, options: LoginOptions) => signIn(context, options)));
  },
};

async function signIn({ terminal, connection, now }: CliContext, { saveAs }: LoginOptions): Promise<ExitCode> {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(saveAs))
    throw new EstopError('invalid-input', { detail: 'A profile has a plain name: letters, digits, "-" and "_".' });
  const asked = await post(connection.controlUrl, '/sign-in/terminal', {});
  const endsAt = String(asked['expiresAt']);
  const lifeMs = Math.min(Date.parse(endsAt) - Date.now(), longestMs) || longestMs;
  terminal.say(`Open ${visible(String(asked['verificationUri']))}`);
  terminal.say(`and confirm the code ${visible(String(asked['userCode']))}, until ${visible(exact(endsAt, now()))}.`);
  const everyMs = Math.max(Number(asked['everyMs']) || usualMs, shortestMs);
  // By the time that passes here: the clock of either side may be off.
  const until = performance.now() + Math.max(lifeMs, 0) + everyMs;
  for (;;) {
    if (performance.now() > until) throw notConfirmed();
    await pause(everyMs);
    const answer = await post(connection.controlUrl, '/sign-in/terminal/poll', { handle: asked['handle'] }).catch(
      (thrown: unknown): Readonly<Record<string, unknown>> => {
        // What does not answer for a moment has not said no: whoever confirms meanwhile is not to begin again.
        if (passing.includes(errorCodeOf(thrown)) && performance.now() < until) return {};
        if (errorCodeOf(thrown) === 'unauthenticated') throw notConfirmed();
        throw thrown;
      },
    );
    if (answer['state'] !== 'signed-in') continue;
    const path = keep(saveAs, { ...answer, controlUrl: connection.controlUrl, gatewayUrl: connection.gatewayUrl });
    printOne(terminal, { name: answer['name'], profile: path, expiresAt: answer['expiresAt'] }, () => [
      `signed in as ${visible(String(answer['name']))}`,
    ]);
    terminal.say(`Kept in ${path}, until ${visible(exact(String(answer['expiresAt']), now()))} at the latest.`);
    return exitCodes.confirmed;
  }
}

const notConfirmed = (): EstopError =>
  new EstopError('unauthenticated', {
    detail: 'It was refused, or nobody confirmed it in time: nobody is signed in. Begin again: estop login',
  });

function keep(name: string, answer: Readonly<Record<string, unknown>>): string {
  const folder = profilesFolder(process.env);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${name}.json`);
  const { environment, controlUrl, stopUrl, gatewayUrl, token } = answer;
  const profile = { environment, controlUrl, stopUrl, gatewayUrl, token };
  writeFileSync(path, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 });
  return path;
}

async function post(baseUrl: string, path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(new URL(path, baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
      redirect: 'error',
    });
    text = await response.text();
  } catch (cause) {
    throw new EstopError('unreachable', { detail: new URL(baseUrl).origin, cause });
  }
  if (!response.ok) throw readProblem(response, text);
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new EstopError('bad-answer');
  return { ...value };
}
