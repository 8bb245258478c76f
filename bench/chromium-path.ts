import { existsSync } from 'node:fs';

const headlessShell = '/usr/bin/chromium-headless-shell';

/** Debian's places for it. The same pages and scripts without a window around them cost half as much. */
export const chromiumPath = existsSync(headlessShell) ? headlessShell : '/usr/bin/chromium';
