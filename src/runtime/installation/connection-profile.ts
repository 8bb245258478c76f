import { readFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * Where a local installation is and how to speak to it: `<state>/connection.json`, owner only, written once everything is up.
 * Command line, SDK and examples read it; production sets the same by environment or flags.
 */
const connectionProfile = z.object({
  environment: z.string(),
  stopUrl: z.url(),
  controlUrl: z.url(),
  gatewayUrl: z.url(),
  temporalAddress: z.string(),
  temporalUiUrl: z.string(),
  /** An operator's token with every role. */
  token: z.string(),
  /** A backend service's token: who starts a task cannot approve its calls, so starting has an identity of its own. */
  serviceToken: z.string(),
  /** The latch-only role, for `estop stop --direct`. */
  directUrl: z.string(),
});

export type ConnectionProfile = z.output<typeof connectionProfile>;

export function readConnectionProfile(path: string): ConnectionProfile {
  return connectionProfile.parse(JSON.parse(readFileSync(path, 'utf8')));
}
