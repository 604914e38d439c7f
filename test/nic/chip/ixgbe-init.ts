import { change, type Driver, poll } from './driver.ts';

// What widespread drivers of the 82599 do before they send a frame, told in the order of the data sheet: 4.6.3 and what it
// refers to. Limits of polls are theirs. Whatever comes otherwise than they expect throws.

const CTRL = 0x0;
const STATUS = 0x8;
const CTRL_EXT = 0x18;
const ESDP = 0x20;
const I2CCTL = 0x28;
const EIMS = 0x880;
const EICR = 0x800;
const EIMC = 0x888;
const EEC = 0x10010;
const EERD = 0x10014;
const SWSM = 0x10140;
const SW_FW_SYNC = 0x10160;
const AUTOC = 0x42a0;
const AUTOC2 = 0x42a8;
const LINKS = 0x42a4;
const ANLP1 = 0x42b0;
const CORECTL = 0x14f00;
const RXCTRL = 0x3000;
const RDRXCTL = 0x2f00;
const RTTDQSEL = 0x4904;
const RTTBCNRC = 0x4984;
const SECRXCTRL = 0x8d00;
const SECRXSTAT = 0x8d04;
const RESETS = (1 << 26) | (1 << 3);
const LINK_UP = 1 << 30;

const fail = (what: string): never => {
  throw new Error(what);
};

/** All interrupts masked, and their causes cleared. */
export function disableInterrupts(driver: Driver): void {
  driver.write(EIMS, 0);
  driver.write(EIMC, 0x7fff_ffff);
  for (const word of [0, 4]) driver.write(0xab0 + word, 0xffff_ffff);
  driver.read(EICR);
}

/** A small polling driver: global reset, waits of 4.6.3, link. Returns the address of the port. */
export function initAsSmallDriver(driver: Driver): number[] {
  disableInterrupts(driver);
  driver.write(CTRL, RESETS);
  poll(driver, CTRL, RESETS, false, 10_000, 100);
  driver.delay(10_000);
  disableInterrupts(driver);
  const mac = receiveAddress(driver);
  poll(driver, EEC, 1 << 9, true, 10_000, 100);
  poll(driver, 0x10110, 1 << 18, true, 10_000, 100);
  poll(driver, RDRXCTL, 1 << 3, true, 10_000, 100);
  // Ten gigabits, serial, and from the beginning.
  change(driver, AUTOC, 3 << 13, 7 << 13);
  change(driver, AUTOC, 0, 3 << 7);
  change(driver, AUTOC, 1 << 12);
  poll(driver, LINKS, LINK_UP, true, 100_000, 100);
  return mac;
}

/** RAL and RAH of entry 0, which the EEPROM has filled in. */
export function receiveAddress(driver: Driver): number[] {
  const low = driver.read(0x5400);
  const high = driver.read(0x5404);
  if (high >>> 31 === 0) fail('the address is not valid');
  return [low, low >>> 8, low >>> 16, low >>> 24, high, high >>> 8].map((value) => value & 0xff);
}

/** Takes a part that drivers and firmware share, under the semaphore of its register. */
export function acquire(driver: Driver, part: number): void {
  takeSemaphore(driver);
  const users = driver.read(SW_FW_SYNC);
  if ((users & (part | (part << 5))) !== 0) fail('somebody else has it');
  driver.write(SW_FW_SYNC, users | part);
  change(driver, SWSM, 0, 3);
}

/** Gives it back. */
export function release(driver: Driver, part: number): void {
  takeSemaphore(driver);
  change(driver, SW_FW_SYNC, 0, part);
  change(driver, SWSM, 0, 3);
}

function takeSemaphore(driver: Driver): void {
  for (let i = 0; ; i++) {
    if ((driver.read(SWSM) & 1) === 0) break;
    if (i === 2000) fail('another driver has the semaphore');
    driver.delay(50);
  }
  change(driver, SWSM, 2);
  if ((driver.read(SWSM) & 2) === 0) fail('firmware has the semaphore');
}

/** A word of the EEPROM by EERD. */
export function readWord(driver: Driver, address: number): number {
  driver.write(EERD, (address << 2) | 1);
  poll(driver, EERD, 2, true, 5, 100_000);
  return driver.read(EERD) >>> 16;
}

/** What the checksum has to be, by the words that it covers. */
export function eepromChecksum(driver: Driver): number {
  let sum = 0;
  for (let i = 0; i < 0x3f; i++) sum += readWord(driver, i);
  for (let i = 3; i < 0xf; i++) {
    const pointer = readWord(driver, i);
    const length = pointer === 0 || pointer === 0xffff ? 0 : readWord(driver, pointer);
    if (length === 0 || length === 0xffff) continue;
    for (let j = 1; j <= length; j++) sum += readWord(driver, pointer + j);
  }
  return (0xbaba - sum) & 0xffff;
}

/** The four wires of the EEPROM. */
const SK = 1;
const CS = 2;
const DI = 4;
const DO = 8;

/** Words of the EEPROM, or its status, wire by wire through EEC. */
export class EepromWires {
  private readonly driver: Driver;

  constructor(driver: Driver) {
    this.driver = driver;
  }

  /** Has the wires while `work` works. */
  with<T>(work: () => T): T {
    acquire(this.driver, 1);
    change(this.driver, EEC, 1 << 6);
    poll(this.driver, EEC, 1 << 7, true, 5, 1000);
    change(this.driver, EEC, 0, CS | SK);
    const result = work();
    change(this.driver, EEC, CS, SK);
    change(this.driver, EEC, 0, 1 << 6);
    release(this.driver, 1);
    return result;
  }

  standby(): void {
    change(this.driver, EEC, CS);
    change(this.driver, EEC, 0, CS);
  }

  out(value: number, bits: number): void {
    for (let bit = bits - 1; bit >= 0; bit--) {
      change(this.driver, EEC, ((value >> bit) & 1) === 1 ? DI : 0, DI);
      change(this.driver, EEC, SK);
      change(this.driver, EEC, 0, SK);
    }
    change(this.driver, EEC, 0, DI);
  }

  in(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) {
      change(this.driver, EEC, SK);
      value = (value << 1) | ((this.driver.read(EEC) & DO) !== 0 ? 1 : 0);
      change(this.driver, EEC, 0, SK);
    }
    return value;
  }

  readWords(address: number, count: number): number[] {
    return this.with(() =>
      Array.from({ length: count }, (_, i) => {
        this.standby();
        this.out(0x03, 8);
        this.out(2 * (address + i), 16);
        const word = this.in(16);
        return (word >> 8) | ((word & 0xff) << 8);
      }),
    );
  }
}

/** The two wires of the module's bus. */
const CLK_OUT = 2;
const DATA_IN = 4;
const DATA_OUT = 8;

/** A byte of the SFP+ module, wire by wire through I2CCTL; -1 if nobody answers. */
export function readModule(driver: Driver, address: number, device = 0xa0): number {
  const data = (level: number) => change(driver, I2CCTL, level === 1 ? DATA_OUT : 0, DATA_OUT);
  const clock = (level: number) => change(driver, I2CCTL, level === 1 ? CLK_OUT : 0, CLK_OUT);
  const start = () => {
    data(1);
    clock(1);
    data(0);
    clock(0);
  };
  const out = (byte: number): boolean => {
    for (let bit = 7; bit >= 0; bit--) {
      data((byte >> bit) & 1);
      clock(1);
      clock(0);
    }
    data(1);
    clock(1);
    const acknowledged = (driver.read(I2CCTL) & DATA_IN) === 0;
    clock(0);
    return acknowledged;
  };
  const stop = () => {
    data(0);
    clock(1);
    data(1);
  };
  start();
  if (!out(device) || !out(address)) {
    stop();
    return -1;
  }
  start();
  if (!out(device | 1)) return -1;
  let byte = 0;
  data(1);
  for (let i = 0; i < 8; i++) {
    clock(1);
    byte = (byte << 1) | ((driver.read(I2CCTL) & DATA_IN) !== 0 ? 1 : 0);
    clock(0);
  }
  // One byte is enough.
  data(1);
  clock(1);
  clock(0);
  stop();
  return byte;
}

/** Kind of the module as drivers number them: 3 direct attach, 5 optics. Throws for one that they do not take. */
export function identifyModule(driver: Driver): number {
  const byte = (address: number) => {
    acquire(driver, 2);
    const value = readModule(driver, address);
    release(driver, 2);
    return value;
  };
  if (byte(0) !== 3) fail('there is no SFP+ module');
  byte(6);
  const codes = byte(3);
  if ((byte(8) & 4) !== 0) return 3;
  if ((codes & 0x30) === 0) fail('a module of another kind');
  const oui = [37, 38, 39].map(byte);
  if ((readWord(driver, 0x2c) & 1) === 0 && oui.join() !== '0,27,33') fail("not the vendor's module");
  return 5;
}

/** Tells the analog core what the EEPROM has for this kind of module. Returns how many values there were. */
export function setUpModule(driver: Driver, kind: number): number {
  let at = readWord(driver, 0x2b) + 1;
  while (readWord(driver, at) !== kind) {
    if (readWord(driver, at) === 0xffff) fail('the EEPROM has nothing for the module');
    at += 2;
  }
  let data = readWord(driver, at + 1) + 1;
  acquire(driver, 8);
  let count = 0;
  for (; readWord(driver, data) !== 0xffff; data++, count++) driver.write(CORECTL, readWord(driver, data));
  release(driver, 8);
  driver.delay(10_000);
  restartPipeline(driver, (driver.read(AUTOC) | (3 << 13)) >>> 0);
  return count;
}

/** Writes AUTOC, after the link has left its first state with another mode. */
export function restartPipeline(driver: Driver, autoc: number): void {
  const restarted = autoc | (1 << 12);
  driver.write(AUTOC, (restarted ^ (4 << 13)) >>> 0);
  for (let i = 0; ; i++) {
    driver.delay(4000);
    if ((driver.read(ANLP1) & 0xf_0000) !== 0) break;
    if (i === 10) fail('autonegotiation stays in its first state');
  }
  driver.write(AUTOC, restarted >>> 0);
}

/** Everything stopped, then no more requests: 5.2.5.3.2. */
export function stopAdapter(driver: Driver): void {
  change(driver, RXCTRL, 0, 1);
  driver.write(EIMC, 0x7fff_ffff);
  driver.read(EICR);
  for (let queue = 0; queue < 128; queue++) {
    driver.write(0x6028 + 0x40 * queue, 1 << 26);
    const rxdctl = queue < 64 ? 0x1028 + 0x40 * queue : 0xd028 + 0x40 * (queue - 64);
    change(driver, rxdctl, 1 << 26, 1 << 25);
  }
  driver.read(STATUS);
  driver.delay(2000);
  driver.write(CTRL, 1 << 2);
  poll(driver, STATUS, 1 << 19, false, 100, 800);
}

/** Reset as drivers of operating systems do it: of the device if the link is up, else of the link too. */
export function resetHardware(driver: Driver): number[] {
  stopAdapter(driver);
  setUpModule(driver, identifyModule(driver));
  const isUp = (driver.read(LINKS) & driver.read(LINKS) & LINK_UP) !== 0;
  driver.write(CTRL, driver.read(CTRL) | (isUp ? 1 << 26 : 1 << 3));
  driver.read(STATUS);
  for (let i = 0; (driver.read(CTRL) & RESETS) !== 0; i++) {
    if (i === 10) fail('the reset does not end');
    driver.delay(1);
  }
  driver.delay(50_000);
  const autoc2 = driver.read(AUTOC2);
  if ((autoc2 & (7 << 28)) !== 0) driver.write(AUTOC2, autoc2 & ~(7 << 28));
  const mac = receiveAddress(driver);
  for (let i = 1; i < 128; i++) {
    driver.write(0xa200 + 8 * i, 0);
    driver.write(0xa204 + 8 * i, 0);
  }
  driver.write(0x5090, 0);
  for (let i = 0; i < 128; i++) {
    driver.write(0x5200 + 4 * i, 0);
    driver.write(0xf400 + 4 * i, 0);
  }
  // Neither addresses for storage networks nor alternative ones.
  for (const word of [0x28, 0x37]) if (readWord(driver, word) !== 0xffff) fail('unexpected addresses');
  return mac;
}

/** Statistics are cleared by being read, and every one is read. */
export function readStatistics(driver: Driver): void {
  const single = [0x4000, 0x4004, 0x4008, 0x4010, 0x4034, 0x4038, 0x4040, 0x3f60, 0x3f68, 0x41a4, 0x41a8];
  const wire = [0x4074, 0x4078, 0x407c, 0x4080, 0x4088, 0x408c, 0x4090, 0x4094, 0x40a4, 0x40a8, 0x40ac];
  const rest = [0x40b0, 0x40b4, 0x40b8, 0xcf90, 0x40c0, 0x40c4, 0x40d0, 0x40d4, 0x40f0, 0x40f4];
  const storage = [0x5118, 0x241c, 0x2424, 0x2428, 0x242c, 0x8784, 0x8788];
  for (const offset of [...single, ...wire, ...rest, ...storage]) driver.read(offset);
  for (let i = 0; i < 6; i++) {
    driver.read(0x405c + 4 * i);
    driver.read(0x40d8 + 4 * i);
  }
  for (let i = 0; i < 8; i++)
    for (const first of [0x3fa0, 0x3f00, 0x3f20, 0x4140, 0x4160, 0x3240]) driver.read(first + 4 * i);
  for (let i = 0; i < 16; i++) {
    for (const first of [0x1030, 0x1034, 0x1038, 0x1430]) driver.read(first + 0x40 * i);
    for (const at of [0x8680 + 4 * i, 0x8700 + 8 * i, 0x8704 + 8 * i]) driver.read(at);
  }
}

/** What comes after the reset: filters, pause, the oldest mistakes of relaxed ordering, the firmware's version. */
export function startHardware(driver: Driver): void {
  for (let i = 0; i < 128; i++) driver.write(0xa000 + 4 * i, 0);
  readStatistics(driver);
  change(driver, CTRL_EXT, 1 << 16);
  driver.read(STATUS);
  driver.read(0x4218);
  driver.read(AUTOC);
  for (let queue = 0; queue < 128; queue++) {
    driver.write(RTTDQSEL, queue);
    driver.write(RTTBCNRC, 0);
  }
  for (let queue = 0; queue < 128; queue++) {
    change(driver, 0x600c + 0x40 * queue, 0, 1 << 11);
    const dca = queue < 64 ? 0x100c + 0x40 * queue : 0xd00c + 0x40 * (queue - 64);
    change(driver, dca, 0, (1 << 13) | (1 << 15));
  }
  const firmware = readWord(driver, 0xf);
  const passThrough = readWord(driver, firmware + 4);
  if (readWord(driver, passThrough + 7) <= 5) fail('the firmware is too old');
}

/** Receive on, with the security path empty: 4.6.7. */
export function enableReceive(driver: Driver): void {
  change(driver, SECRXCTRL, 2);
  poll(driver, SECRXSTAT, 1, true, 1000, 40);
  change(driver, RXCTRL, 1);
  change(driver, SECRXCTRL, 0, 2);
  driver.read(STATUS);
}

/** The link comes up, as is told by LINKS, within the nine seconds that drivers allow it. */
export function waitForLink(driver: Driver): number {
  if ((driver.read(ESDP) & 4) === 0) fail('the cage is empty');
  poll(driver, LINKS, LINK_UP, true, 100_000, 90);
  return (driver.read(LINKS) >>> 28) & 3;
}

/** A VF's driver before it asks for its address: interrupts off, queues off, reset, all registers of queues written. */
export function resetVf(driver: Driver): void {
  driver.write(0x10c, 7);
  driver.read(0x100);
  for (let queue = 0; queue < 8; queue++) driver.write(0x2028 + 0x40 * queue, 1 << 26);
  for (let queue = 0; queue < 8; queue++) change(driver, 0x1028 + 0x40 * queue, 0, 1 << 25);
  driver.write(0x300, 0);
  driver.read(0x8);
  driver.delay(2000);
  driver.write(0x0, 1 << 26);
  driver.read(0x8);
  driver.delay(50_000);
  // RSTI, or RSTD which a read clears.
  let mailbox = 0;
  for (let i = 0; (mailbox & 0xc0) === 0; i++) {
    if (i === 200) fail('the PF does not say that it is ready');
    mailbox |= driver.read(0x2fc);
    driver.delay(5);
  }
  for (let queue = 0; queue < 8; queue++) {
    const receive = 0x1000 + 0x40 * queue;
    const transmit = 0x2000 + 0x40 * queue;
    for (const register of [0x10, 0x18, 0x28]) driver.write(receive + register, 0);
    driver.write(receive + 0x14, (0x100 << 2) | 2);
    driver.write(receive + 0xc, 0xa200);
    for (const register of [0x10, 0x18, 0x28, 0x38, 0x3c]) driver.write(transmit + register, 0);
    driver.write(transmit + 0xc, 0x2a00);
  }
  driver.read(0x8);
}
