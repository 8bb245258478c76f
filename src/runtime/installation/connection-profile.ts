/**
 * Where a local installation is and how to speak to it: `<state>/connection.json`, owner only, written once everything is up.
 * Command line and examples read it; production sets the same by environment or flags.
 */
export interface ConnectionProfile {
  readonly environment: string;
  readonly stopUrl: string;
  readonly controlUrl: string;
  readonly gatewayUrl: string;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string;
  /** An operator's token with every role. */
  readonly token: string;
  /** A backend service's token: who starts a task cannot approve its calls, so starting has an identity of its own. */
  readonly serviceToken: string;
  /** The latch-only role, for `estop stop --direct`. */
  readonly directUrl: string;
  /** By process; `<worker>/sdk` is what Temporal's SDK counts there. */
  readonly metricsUrls: Readonly<Record<string, string>>;
}
