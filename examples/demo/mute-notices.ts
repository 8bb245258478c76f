/**
 * The OAuth server of the demo tells its own deployers what to set up for production, on both of our streams: in the middle of what
 * a person reads here, and of the JSON lines that a program reads. Everything else passes.
 */
export function muteNotices(): void {
  for (const level of ['info', 'warn'] as const) {
    const pass = console[level].bind(console);
    console[level] = (...words: readonly unknown[]) => {
      if (!/^(?:\u001b\[[0-9;]*m)?oidc-provider (?:NOTICE|WARNING):/.test(String(words[0]))) pass(...words);
    };
  }
}
