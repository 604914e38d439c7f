/**
 * A driver of your own on an Intel 82599: it maps BAR 0, resets the card, sets up one ring each way and echoes what comes from the
 * wire. It polls, has the data sheet's registers and descriptors, and nothing else of this package but a handle to the device.
 *
 * What to look at: the order in which the data sheet wants it (4.6.3, 4.6.7, 4.6.8), and that one buffer serves both rings.
 *
 *     node .build/examples/bring-your-own-driver.js
 */
import { createMachine } from 'sriovsim';
import { intel82599Chip } from 'sriovsim/profiles';
import { pfHandle } from 'sriovsim/sim';

const machine = createMachine({ nic: intel82599Chip({ strict: true }) });
const device = pfHandle(machine.simulation.machine);
const bar = device.bar(0);

const RING = 128; // descriptors of 16 bytes, with a buffer of 2 KiB each
const MILLISECOND = 1e9;
const waitFor = (register: number, bit: number) => {
  while ((bar.read32(register) & bit) === 0) device.wait(MILLISECOND);
};

// Interrupts off, reset, interrupts off (4.6.3); then EEPROM, DMA and link come up by themselves.
bar.write32(0x888, 0x7fff_ffff); // EIMC
bar.write32(0x0, 1 << 26); // CTRL.RST
device.wait(10 * MILLISECOND);
bar.write32(0x888, 0x7fff_ffff);
waitFor(0x1_0010, 1 << 9); // EEC.Auto_RD
waitFor(0x2f00, 1 << 3); // RDRXCTL.DMAIDONE
waitFor(0x42a4, 1 << 30); // LINKS: up

const [rx, tx, buffers] = [16 * RING, 16 * RING, 2048 * RING].map((bytes) => device.allocateDma(bytes));
const writeAddress = (ring: typeof rx, index: number) => {
  const address = buffers.address + 2048 * index;
  ring.write(4 * index, (address % 2 ** 32) | 0);
  ring.write(4 * index + 1, Math.floor(address / 2 ** 32));
  ring.write(4 * index + 2, 0);
};
/** RDBAL, RDBAH, RDLEN and RXDCTL.ENABLE of queue 0, or TDBAL and so on. */
const startRing = (at: number, { address, bytes }: typeof rx) => {
  bar.write32(at, address % 2 ** 32);
  bar.write32(at + 0x04, Math.floor(address / 2 ** 32));
  bar.write32(at + 0x08, bytes);
  bar.write32(at + 0x28, 1 << 25);
  waitFor(at + 0x28, 1 << 25);
};
for (let i = 0; i < RING; i++) writeAddress(rx, i);
bar.write32(0x5080, (1 << 8) | (1 << 9) | (1 << 10)); // FCTRL: takes all frames
bar.write32(0x1014, 2 | (1 << 25)); // SRRCTL: buffers of 2 KiB, advanced descriptors
startRing(0x1000, rx);
bar.write32(0x1018, RING - 1); // RDT
bar.write32(0x3000, 1); // RXCTRL.RXEN
bar.write32(0x4a80, 1); // DMATXCTL.TE
startRing(0x6000, tx);

machine.port.traffic.send({ to: 'host', frameBytes: 64, ratePps: 2e6, stopMs: 0.5 });
let [next, sent, done] = [0, 0, 0]; // descriptor to receive from, and frames handed over and sent
for (const end = device.now + 0.6 * MILLISECOND; device.now < end; device.wait(200_000)) {
  for (; (rx.read(4 * next + 2) & 1) === 1; next = (next + 1) % RING, sent++) {
    const bytes = rx.read(4 * next + 3) & 0xffff;
    const [a, b, c] = [0, 1, 2].map((word) => buffers.read(512 * next + word)); // both addresses, to be exchanged
    [(b >>> 16) | (c << 16), (c >>> 16) | (a << 16), (a >>> 16) | (b << 16)].forEach((word, i) => {
      buffers.write(512 * next + i, word);
    });
    writeAddress(rx, next);
    writeAddress(tx, next);
    tx.write(4 * next + 2, bytes | 0x2b30_0000); // DTYP 3, EOP, IFCS, RS, DEXT
    tx.write(4 * next + 3, bytes << 14);
  }
  bar.write32(0x6018, next); // TDT
  while (done < sent && (tx.read(4 * (done % RING) + 3) & 1) === 1) done++;
  bar.write32(0x1018, (done + RING - 1) % RING); // RDT: buffers that have been sent are free again
}
// Good packets received and transmitted, as the card has counted them.
console.log('received', bar.read32(0x4074), 'transmitted', bar.read32(0x4080), 'echoed', done);
