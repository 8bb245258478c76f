/** `npm run lock`, after an `npm install` that could not fetch the packages of every platform. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Locked, missingPlatforms, withAllPlatforms } from './platform-packages.ts';

const path = join(import.meta.dirname, '..', '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Locked }; // npm's own format, version 3
const missing = missingPlatforms(lock.packages);
if (missing.length > 0)
  writeFileSync(path, `${JSON.stringify({ ...lock, packages: withAllPlatforms(lock.packages) }, null, 2)}\n`);
console.log(`${missing.length} platform packages added`);
