import { setFlagsFromString } from 'node:v8';

/**
 * Imported first, for its effect: this process handles little at a time and shall stay small beside everything else on the machine,
 * so the space for young objects is kept from growing. Costs a few more, short collections.
 */
setFlagsFromString('--semi-space-growth-factor=1');
