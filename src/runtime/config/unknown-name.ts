import { didYouMean } from '../../core/nearest.ts';

/** Of a name that a block has to have and has not. */
export const unknownName = (what: string, name: string, block: string, known: Iterable<string>): string =>
  `names ${what === '' ? '' : `${what} `}"${name}", which \`${block}\` does not have${didYouMean(name, known)}`;
