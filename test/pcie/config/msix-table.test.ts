import { describe, expect, it } from 'vitest';
import { Endpoint, MsixTable } from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { genericProfile } from './fixture.ts';

function setUp() {
  const fn = new Endpoint({ functions: intel82599Config() }).functions[0];
  const sent: number[][] = [];
  const table = new MsixTable(fn, (...message) => sent.push(message));
  fn.attachBar(4, table);
  fn.events.on('msix', () => table.controlChanged());
  const bar = fn.bar(4);
  const program = (vector: number) => {
    bar.write32(vector * 16, 0xfee01000, 15);
    bar.write32(vector * 16 + 4, 1, 15);
    bar.write32(vector * 16 + 8, 0x4000 + vector, 15);
    bar.write32(vector * 16 + 12, 0, 15);
  };
  return { fn, sent, table, bar, program };
}

describe('MsixTable', () => {
  it('begins with all vectors masked', () => {
    const { bar } = setUp();
    expect([bar.read32(12, 4), bar.read32(63 * 16 + 12, 4), bar.read32(64 * 16 + 12, 4)]).toEqual([1, 1, 0]);
  });

  it('sends the address and data of the entry', () => {
    const { fn, sent, table, program } = setUp();
    program(3);
    fn.config.write16(0x72, 0x8000);
    expect(table.signal(3)).toBe(true);
    expect(sent).toEqual([[3, 0xfee01000, 1, 0x4003]]);
  });

  it('loses interrupts while MSI-X is off', () => {
    const { fn, sent, table, program } = setUp();
    program(0);
    expect(table.signal(0)).toBe(false);
    fn.config.write16(0x72, 0x8000);
    expect([sent.length, table.isPending(0)]).toEqual([0, false]);
  });

  it('holds a masked interrupt as pending, once, and sends it when the mask is cleared', () => {
    const { fn, sent, table, bar, program } = setUp();
    program(33);
    fn.config.write16(0x72, 0x8000);
    bar.write32(33 * 16 + 12, 1, 15);
    table.signal(33);
    table.signal(33);
    expect([bar.read32(0x2000, 4), bar.read32(0x2004, 4)]).toEqual([0, 2]);
    bar.write32(33 * 16 + 12, 0, 15);
    expect(sent).toEqual([[33, 0xfee01000, 1, 0x4021]]);
    expect(bar.read32(0x2004, 4)).toBe(0);
  });

  it('holds all interrupts under Function Mask', () => {
    const { fn, sent, table, program } = setUp();
    program(0);
    program(1);
    fn.config.write16(0x72, 0xc000);
    table.signal(0);
    table.signal(1);
    expect(sent).toEqual([]);
    fn.config.write16(0x72, 0x8000);
    expect(sent.map(([vector]) => vector)).toEqual([0, 1]);
  });

  it('has read-only pending bits, a mask bit in vector control, and addresses of whole dwords', () => {
    const { bar } = setUp();
    bar.write32(0x2000, 0xffffffff, 15);
    bar.write32(0, 0xffffffff, 15);
    bar.write32(12, 0xfffffffe, 15);
    bar.write32(8, 0xaabbccdd, 0b0100);
    expect([bar.read32(0x2000, 4), bar.read32(0, 4), bar.read32(12, 4), bar.read32(8, 4)]).toEqual([
      0, 0xfffffffc, 0, 0x00bb0000,
    ]);
  });

  it('takes back what it saved', () => {
    const { table, bar, program } = setUp();
    program(5);
    const saved = table.save();
    table.reset();
    expect(bar.read32(5 * 16, 4)).toBe(0);
    table.restore(saved);
    expect(bar.read32(5 * 16, 4)).toBe(0xfee01000);
  });

  it('needs a function with MSI-X', () => {
    const [fn] = new Endpoint({ functions: [genericProfile({ totalVfs: 1 })] }).functions;
    expect(() => new MsixTable(fn, () => {})).toThrow('00:00.0 has no MSI-X');
  });
});
