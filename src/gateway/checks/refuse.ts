import type { Check } from '../passage.ts';

/** Stands in the columns that are not built yet, so that they deny by a line that can be seen. */
export const refuse: Check = () => ({ kind: 'not-served' });
