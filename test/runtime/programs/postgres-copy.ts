/** Prepares the programs of a PostgreSQL package as the user it runs as, who may not write there. */
import { embeddedBinaries } from '../../../src/runtime/local/postgres-binaries.ts';

const [packageFolder = '', cache = ''] = process.argv.slice(2);
console.log(JSON.stringify(embeddedBinaries(packageFolder, undefined, cache)));
