import type { RegisterFile } from '../../registers/index.ts';
import { EEPROM_SIZE_CODE } from './eeprom.ts';
import { SpiEeprom } from './spi-eeprom.ts';

/** Fields of EEC (82599 data sheet 8.2.3.2.1). */
const EE_SK = 1 << 0;
const EE_CS = 1 << 1;
const EE_DI = 1 << 2;
const EE_DO = 1 << 3;
const EE_REQ = 1 << 6;
const EE_GNT = 1 << 7;
const EE_PRES = 1 << 8;
const AUTO_RD = 1 << 9;
/** Bit 10: addresses of 16 bits. */
const EE_ADDR_SIZE = 1 << 10;
const EE_SIZE_SHIFT = 11;
/** Bits 21:15: each part of what is read automatically is done. */
const PARTS_DONE = 0x7f << 15;
const PINS = EE_SK | EE_CS | EE_DI | EE_REQ;
/** Fields of EERD (8.2.3.2.2). */
const START = 1 << 0;
const DONE = 1 << 1;
const ADDRESS_SHIFT = 2;
const ADDRESS_MASK = 0x3fff;
const DATA_SHIFT = 16;
/** Bits 19:18 of EEMNGCTL: the configuration of both ports is done (8.2.3.2.4). */
const CFG_DONE = 3 << 18;

/** Estimates: the EEPROM's clock has 2 MHz, a word takes 40 cycles of it. */
const WORD_PS = 20_000_000;
/** Estimate: some 150 words of the EEPROM are read automatically after a reset. */
const AUTO_READ_PS = 150 * WORD_PS;

/**
 * The ways to the EEPROM: words by EERD, single wires by EEC once they are granted, and what says that the card has read
 * it after a reset. What takes time is known by the time at which somebody looks.
 */
export class EepromAccess {
  private readonly clock: { readonly now: number };
  private readonly words: Uint16Array;
  private readonly spi: SpiEeprom;
  private loadedPs = 0;
  private readyPs = 0;

  constructor(clock: { readonly now: number }, file: RegisterFile, words: Uint16Array) {
    this.clock = clock;
    this.words = words;
    this.spi = new SpiEeprom(words);
    file.onRead('EEC', (_, stored) => this.control(stored));
    file.onWrite('EEC', (_, stored) => this.drive(stored));
    file.onWrite('EERD', (_, stored, written) => {
      if ((written & START) === 0) return;
      this.readyPs = clock.now + WORD_PS;
      const address = (stored >> ADDRESS_SHIFT) & ADDRESS_MASK;
      const word = address < words.length ? words[address] : 0xffff;
      file.set('EERD', (address << ADDRESS_SHIFT) | (word << DATA_SHIFT));
    });
    file.onRead('EERD', (_, stored) =>
      clock.now < this.readyPs ? stored & (ADDRESS_MASK << ADDRESS_SHIFT) : stored | DONE,
    );
    file.onRead('EEMNGCTL', (_, stored) => (this.isLoaded ? stored | CFG_DONE : stored));
  }

  /** Whether the card has read what it reads after a reset. */
  get isLoaded(): boolean {
    return this.clock.now >= this.loadedPs;
  }

  /** A reset has come: the card reads its configuration again. */
  reload(): void {
    this.loadedPs = this.clock.now + AUTO_READ_PS;
    this.readyPs = this.clock.now;
  }

  private control(stored: number): number {
    const present =
      EE_PRES | (this.words.length > 256 ? EE_ADDR_SIZE : 0) | (EEPROM_SIZE_CODE << EE_SIZE_SHIFT);
    const loaded = this.isLoaded ? AUTO_RD | PARTS_DONE : 0;
    const isGranted = (stored & EE_REQ) !== 0 && this.isLoaded;
    return (
      (stored & PINS) | present | loaded | (isGranted ? EE_GNT : 0) | (this.spi.output === 1 ? EE_DO : 0)
    );
  }

  private drive(stored: number): void {
    const isGranted = (stored & EE_REQ) !== 0 && this.isLoaded;
    const level = (bit: number) => ((stored & bit) !== 0 ? 1 : 0);
    this.spi.drive(isGranted ? level(EE_CS) : 1, level(EE_SK), level(EE_DI));
  }
}
