/** `healthy <url>`: exit code 0 if it answers with success. For health checks in images that have no other program for it. */
const url = process.argv[2] ?? '';
const healthy = await fetch(url).then(
  ({ ok }) => ok,
  () => false,
);
process.exit(healthy ? 0 : 1);
