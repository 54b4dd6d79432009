// Plain JavaScript on purpose: this must run, and speak, on the old Node it refuses.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `makegood needs Node 22.18 or later, this is ${process.versions.node} (${process.execPath}).\n` +
      'The project brings its own Node 24 as a development dependency; run "npm ci" with install scripts allowed ' +
      '(without --ignore-scripts), then start this again through npm.',
  );
  process.exit(1);
}
