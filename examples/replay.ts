/**
 * Frames that were captured somewhere, sent again: a capture file as bytes, a scenario that names it, and a look at where its
 * frames went. Nothing here needs a file system, so it runs in a browser as well.
 *
 *     node .build/examples/replay.js
 */
import { resolveScenario, Simulation } from 'sriovsim';
import { EtherType, parseMac, writeEthernet } from 'sriovsim/wire';

const A = '02:00:00:00:01:00';
const B = '02:00:00:00:02:00';
const EVERYBODY = 'ff:ff:ff:ff:ff:ff';
const STRANGER = '02:00:00:00:00:99';

/** A frame with a payload of zeros, as captures have it: without frame check sequence. */
function frame(destination: string, source: string, etherType: number, bytes: number): Uint8Array {
  const u8 = new Uint8Array(bytes);
  writeEthernet(u8, 0, { destination: parseMac(destination), source: parseMac(source), etherType });
  return u8;
}

/** A pcap file: a header of 24 bytes, then each frame behind 16 bytes of its own, all little-endian. */
function pcapFile(frames: readonly Uint8Array[], gapNs: number): Uint8Array {
  const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
  const nanoseconds = 0xa1b2_3c4d;
  const version24 = 2 | (4 << 16);
  const ethernet = 1;
  const parts: Uint8Array[] = [words(nanoseconds, version24, 0, 0, 65_535, ethernet)];
  frames.forEach((bytes, i) => {
    parts.push(words(0, i * gapNs, bytes.length, bytes.length), bytes);
  });
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

// Ten microseconds apart: an ARP request, its answer, then forty frames one way, and one to an address that nobody has.
const sent = [
  frame(EVERYBODY, A, EtherType.ARP, 42),
  frame(A, B, EtherType.ARP, 42),
  ...Array.from({ length: 40 }, (_, i) => frame(B, A, EtherType.IPV4, 60 + 36 * i)),
  frame(STRANGER, A, EtherType.IPV4, 100),
];
const capture = pcapFile(sent, 10_000);

const { scenario, captures } = resolveScenario(
  {
    guests: [{ name: 'a' }, { name: 'b' }],
    // What a sent, a sends again, and what b sent, b: the files may be the same, the filters differ.
    captures: [
      { file: 'made.pcap', from: 'a', filter: { source: A } },
      { file: 'made.pcap', from: 'b', filter: { source: B } },
    ],
    warmUpMs: 0,
    durationMs: 1,
  },
  { readCapture: () => capture },
);
const simulation = new Simulation(scenario, captures);
simulation.boot();
simulation.advance(simulation.endPs);
const report = simulation.report();

console.log(`${capture.length} bytes of capture, ${sent.length} frames`);
for (const { name, kind, transmitted, received, latencyNs } of report.endpoints) {
  const latency = latencyNs === null ? '' : `, median ${latencyNs.p50.toFixed(0)} ns`;
  console.log(
    `${name.padEnd(5)} (${kind.padEnd(4)}) sent ${transmitted.frames}, received ${received.frames}${latency}`,
  );
}
const { offered, replicas, delivered, droppedTotal, inFlightTotal, balanced } = report.conservation;
console.log(
  `${offered} offered + ${replicas} replicas = ${delivered} delivered + ${droppedTotal} dropped + ${inFlightTotal} in flight: ${balanced}`,
);
