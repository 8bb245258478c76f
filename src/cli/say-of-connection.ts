import type { Terminal } from './terminal.ts';

/** Silence must not look like peace: whoever follows a stream is told while it is broken. One that never was is an error at once. */
export function sayOfConnection(
  terminal: Pick<Terminal, 'say' | 'paint'>,
): (state: { readonly open: true } | { readonly open: false; readonly why: unknown }) => void {
  let isOpen: boolean | undefined;
  return (state) => {
    const before = isOpen;
    if (!state.open && before === undefined) throw state.why;
    isOpen = state.open;
    if (!state.open && before === true) terminal.say(`${terminal.paint.red('NOT CONNECTED')}: trying on`);
    if (state.open && before === false) terminal.say('connected again; what happened meanwhile follows');
  };
}
