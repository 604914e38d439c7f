import { beforeEach, describe, expect, it } from 'vitest';
import {
  BridgePort,
  CorrectableError,
  connectRootErrors,
  describeErrors,
  Endpoint,
  logRootError,
  type PcieFunction,
  PORT_UPSTREAM,
  receiveErrorMessage,
  reportCorrectable,
  reportToAll,
  reportUncorrectable,
  UncorrectableError,
} from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/index.ts';

const { unsupportedRequest, poisonedTlp, malformedTlp, completionTimeout } = UncorrectableError;
/** Offsets in the 82599: PCI Express capability and AER. */
const CONTROL = 0xa8;
const DEVICE_STATUS = 0xaa;
const AER = 0x100;
const [STATUS, MASK, SEVERITY, COR_STATUS, COR_MASK, POINTER, LOG] = [
  0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c,
];
const ERR = { COR: 0x30, NONFATAL: 0x31, FATAL: 0x33 };
const HEADER = [0x40000001, 0x0000000f, 0xe0000000];

describe('an uncorrectable error', () => {
  let endpoint: Endpoint;
  let pf: PcieFunction;
  let sent: [number, number][];
  const aer = (offset: number, fn = pf) => fn.config.read32(AER + offset);

  beforeEach(() => {
    endpoint = new Endpoint({ functions: intel82599Config(), bus: 1 });
    pf = endpoint.functions[0];
    sent = [];
    for (const fn of endpoint.functions) fn.sendError = (source, code) => sent.push([source, code]);
    pf.config.write16(CONTROL, 0x000f);
  });

  it('is in Device Status and AER, with First Error Pointer and Header Log, and sends ERR_NONFATAL', () => {
    reportUncorrectable(pf, unsupportedRequest, false, HEADER);
    expect(pf.config.read16(DEVICE_STATUS) & 0xf).toBe(0b1010);
    expect(aer(STATUS)).toBe(1 << 20);
    expect(aer(POINTER) & 0x1f).toBe(20);
    expect([0, 4, 8, 12].map((i) => aer(LOG + i))).toEqual([...HEADER, 0]);
    expect(sent).toEqual([[0x0100, ERR.NONFATAL]]);
  });

  it('is fatal by its severity: ERR_FATAL, and Fatal Error Detected', () => {
    reportUncorrectable(pf, malformedTlp, false, HEADER);
    expect(pf.config.read16(DEVICE_STATUS) & 0xf).toBe(0b0100);
    pf.config.write32(AER + SEVERITY, 1 << 20);
    reportUncorrectable(pf, unsupportedRequest, true, HEADER);
    expect(sent.map(([, code]) => code)).toEqual([ERR.FATAL, ERR.FATAL]);
  });

  it('leaves pointer and log to the first one until that is cleared', () => {
    reportUncorrectable(pf, poisonedTlp, false, [1, 2, 3, 4]);
    reportUncorrectable(pf, unsupportedRequest, false, [5, 6, 7, 8]);
    reportUncorrectable(pf, poisonedTlp, false, [9, 9, 9, 9]);
    expect(aer(STATUS)).toBe((1 << 20) | (1 << 12));
    expect([aer(POINTER) & 0x1f, aer(LOG), aer(LOG + 12)]).toEqual([12, 1, 4]);
    pf.config.write32(AER + STATUS, 1 << 12);
    reportUncorrectable(pf, unsupportedRequest, false, [5, 6, 7, 8]);
    expect([aer(POINTER) & 0x1f, aer(LOG)]).toEqual([20, 5]);
    // One without a TLP leaves nothing of the one before in the log.
    pf.config.write32(AER + STATUS, 0xffffffff);
    reportUncorrectable(pf, completionTimeout, false);
    expect([aer(POINTER) & 0x1f, aer(LOG)]).toEqual([14, 0]);
  });

  it('that is masked is in the status, and nowhere else', () => {
    pf.config.write32(AER + MASK, 1 << 12);
    reportUncorrectable(pf, poisonedTlp, false, HEADER);
    expect(aer(STATUS)).toBe(1 << 12);
    expect([aer(POINTER) & 0x1f, aer(LOG), sent.length]).toEqual([0, 0, 0]);
    expect(pf.config.read16(DEVICE_STATUS) & 0xf).toBe(0b0010);
  });

  it('that is advisory is a correctable one: by default masked, and then not in the uncorrectable status', () => {
    reportUncorrectable(pf, unsupportedRequest, true, HEADER);
    expect(pf.config.read16(DEVICE_STATUS) & 0xf).toBe(0b1001);
    expect([aer(COR_STATUS), aer(STATUS), sent.length]).toEqual([1 << 13, 0, 0]);
    pf.config.write32(AER + COR_MASK, 0);
    reportUncorrectable(pf, unsupportedRequest, true, HEADER);
    expect([aer(STATUS), aer(POINTER) & 0x1f, aer(LOG)]).toEqual([1 << 20, 20, HEADER[0]]);
    expect(sent).toEqual([[0x0100, ERR.COR]]);
  });

  it.each([
    ['nothing is enabled', 0, 0, []],
    ['another severity is enabled', 0b1101, 0, []],
    ['Unsupported Request Reporting Enable is clear', 0b0111, 0, []],
    ['both are set', 0b1010, 0, [ERR.NONFATAL]],
    ['SERR# Enable is set in their place', 0, 0x100, [ERR.NONFATAL]],
  ])('sends what Device Control and Command enable: %s', (_, control, command, codes) => {
    pf.config.write16(CONTROL, control);
    pf.config.write16(0x04, command);
    reportUncorrectable(pf, unsupportedRequest, false, HEADER);
    expect(sent.map(([, code]) => code)).toEqual(codes);
    // Signaled System Error.
    expect((pf.config.read16(0x06) >> 14) & 1).toBe(command === 0 ? 0 : 1);
  });

  it('of a VF is noted in the VF, by the masks, severities and enables of the PF, and sent with its Routing ID', () => {
    pf.config.write16(0x160 + 0x10, 2);
    pf.config.write16(0x160 + 0x08, 0x11);
    const vf = pf.sriov?.vf(1) as PcieFunction;
    reportUncorrectable(vf, poisonedTlp, false, HEADER);
    expect([aer(STATUS, vf), aer(STATUS), aer(LOG, vf)]).toEqual([1 << 12, 0, HEADER[0]]);
    pf.config.write32(AER + SEVERITY, 1 << 12);
    reportUncorrectable(vf, poisonedTlp, false, HEADER);
    expect(sent).toEqual([
      [vf.routingId, ERR.NONFATAL],
      [vf.routingId, ERR.FATAL],
    ]);
    pf.config.write16(CONTROL, 0);
    reportUncorrectable(vf, poisonedTlp, false, HEADER);
    expect(sent.length).toBe(2);
  });

  it('that is advisory sends ERR_COR where its uncorrectable mask is set, too: that keeps it out of the log', () => {
    pf.config.write32(AER + COR_MASK, 0);
    pf.config.write32(AER + MASK, 1 << 20);
    reportUncorrectable(pf, unsupportedRequest, true, HEADER);
    expect(sent).toEqual([[0x0100, ERR.COR]]);
    expect([aer(STATUS), aer(POINTER) & 0x1f, aer(LOG)]).toEqual([1 << 20, 0, 0]);
  });

  it('that was cleared gives pointer and log free, though its bit is set again while it is masked', () => {
    reportUncorrectable(pf, unsupportedRequest, false, [1, 2, 3, 4]);
    pf.config.write32(AER + STATUS, 1 << 20);
    pf.config.write32(AER + MASK, 1 << 20);
    reportUncorrectable(pf, unsupportedRequest, false, [5, 6, 7, 8]);
    reportUncorrectable(pf, poisonedTlp, false, HEADER);
    expect(aer(STATUS)).toBe((1 << 20) | (1 << 12));
    expect([aer(POINTER) & 0x1f, aer(LOG)]).toEqual([12, HEADER[0]]);
  });

  it('that is advisory sends nothing without AER, which alone could tell it from others', () => {
    const [profile] = intel82599Config();
    const capabilities = profile.capabilities.filter(({ extended }) => !extended);
    const plain = new Endpoint({ functions: [{ ...profile, capabilities }], bus: 1 }).functions[0];
    plain.sendError = (source, code) => sent.push([source, code]);
    plain.config.write16(CONTROL, 0x000f);
    reportUncorrectable(plain, unsupportedRequest, true, HEADER);
    expect([sent.length, plain.config.read16(DEVICE_STATUS) & 0xf]).toEqual([0, 0b1001]);
    reportUncorrectable(plain, unsupportedRequest, false, HEADER);
    expect(sent).toEqual([[0x0100, ERR.NONFATAL]]);
  });

  it('of no single function is noted by all, and one message of each severity is sent', () => {
    const [first] = intel82599Config();
    const pair = new Endpoint({ functions: [first, first], bus: 1 });
    for (const fn of pair.functions) {
      fn.sendError = (source, code) => sent.push([source, code]);
      fn.config.write16(CONTROL, 0x000f);
    }
    pair.functions[1].config.write32(AER + SEVERITY, 1 << 20);
    reportToAll(pair.functions, unsupportedRequest, false, HEADER);
    expect(sent).toEqual([
      [0x0100, ERR.NONFATAL],
      [0x0101, ERR.FATAL],
    ]);
    sent = [];
    pair.functions[1].config.write32(AER + SEVERITY, 0);
    // With SERR# Enable in both, Signaled System Error is of the one that has sent.
    for (const fn of pair.functions) fn.config.write16(0x04, 0x100);
    reportToAll(pair.functions, unsupportedRequest, false, HEADER);
    expect(sent).toEqual([[0x0100, ERR.NONFATAL]]);
    expect(pair.functions.map((fn) => (fn.config.read16(0x06) >> 14) & 1)).toEqual([1, 0]);
    for (const fn of pair.functions) expect(aer(STATUS, fn)).toBe(1 << 20);
  });

  it('stays in AER over a function level reset, where Device Status does not', () => {
    reportUncorrectable(pf, unsupportedRequest, false, HEADER);
    pf.functionLevelReset();
    expect([aer(STATUS), aer(LOG), pf.config.read16(DEVICE_STATUS) & 0xf]).toEqual([1 << 20, HEADER[0], 0]);
  });
});

describe('a correctable error', () => {
  it('sends ERR_COR, unless it is masked or not enabled', () => {
    const endpoint = new Endpoint({ functions: intel82599Config(), bus: 1 });
    const [pf] = endpoint.functions;
    const sent: number[] = [];
    pf.sendError = (_, code) => sent.push(code);
    reportCorrectable(pf, CorrectableError.badTlp);
    expect(sent).toEqual([]);
    pf.config.write16(CONTROL, 1);
    reportCorrectable(pf, CorrectableError.badTlp);
    expect(sent).toEqual([ERR.COR]);
    pf.config.write32(AER + COR_MASK, 1 << 6);
    reportCorrectable(pf, CorrectableError.badTlp);
    expect(sent).toEqual([ERR.COR]);
    expect([pf.config.read32(AER + COR_STATUS), pf.config.read16(DEVICE_STATUS) & 0xf]).toEqual([1 << 6, 1]);
  });
});

describe('describeErrors', () => {
  it('names every uncorrectable error as lspci does', () => {
    const [pf] = new Endpoint({ functions: intel82599Config(), bus: 1 }).functions;
    const names = [4, 12, 13, 14, 15, 16, 17, 18, 19, 20].map((bit) => {
      pf.config.poke32(AER + STATUS, 1 << bit);
      return describeErrors(pf);
    });
    expect(names).toEqual(
      ['DLP', 'TLP', 'FCP', 'CmpltTO', 'CmpltAbrt', 'UnxCmplt', 'RxOF', 'MalfTLP', 'ECRC', 'UnsupReq'].map(
        (name) => `UESta ${name}+`,
      ),
    );
  });
});

describe('a root port', () => {
  let port: PcieFunction;
  let interrupts: [number, number, number][];
  const receive = (source: number, code: number) =>
    receiveErrorMessage(port, source, code, { message: (...args) => interrupts.push(args) });
  const root = (offset: number) => port.config.read32(AER + offset);
  const [COMMAND, ROOT_STATUS, SOURCE] = [0x2c, 0x30, 0x34];

  beforeEach(() => {
    port = new BridgePort({ routingId: 0x0008 }).function;
    interrupts = [];
    port.config.write16(0x04, 0x0004);
    port.config.write16(0x90 + 0x08, 0x0007);
    port.config.write16(0x3e, 0x0002);
    // MSI: address, data, enable.
    port.config.write32(0x54, 0xfee0_1000);
    port.config.write16(0x58, 0x0041);
    port.config.write16(0x52, 0x0001);
  });

  it('notes the kinds of messages, whether there was more than one, and who sent the first', () => {
    receive(0x0100, ERR.COR);
    expect([root(ROOT_STATUS), root(SOURCE)]).toEqual([0b000_0001, 0x0100]);
    receive(0x0180, ERR.COR);
    expect([root(ROOT_STATUS), root(SOURCE)]).toEqual([0b000_0011, 0x0100]);
    receive(0x0180, ERR.NONFATAL);
    expect([root(ROOT_STATUS), root(SOURCE)]).toEqual([0b010_0111, 0x0180_0100]);
    receive(0x0200, ERR.FATAL);
    expect([root(ROOT_STATUS), root(SOURCE)]).toEqual([0b110_1111, 0x0180_0100]);
    port.config.write32(AER + ROOT_STATUS, 0x7f);
    receive(0x0200, ERR.FATAL);
    expect([root(ROOT_STATUS), root(SOURCE)]).toEqual([0b101_0100, 0x0200_0100]);
    // Secondary Status: Received System Error.
    expect((port.config.read16(0x1e) >> 14) & 1).toBe(1);
    receive(0x0200, 0x18);
    expect(root(ROOT_STATUS)).toBe(0b101_0100);
  });

  it('lets through what its enables, and SERR# Enable of Bridge Control, let through', () => {
    port.config.write16(0x3e, 0);
    receive(0x0100, ERR.NONFATAL);
    expect(root(ROOT_STATUS)).toBe(0);
    receive(0x0100, ERR.COR);
    expect(root(ROOT_STATUS)).toBe(1);
    port.config.write16(0x3e, 0x0002);
    port.config.write16(0x98, 0);
    port.config.write32(AER + ROOT_STATUS, 1);
    for (const code of Object.values(ERR)) receive(0x0100, code);
    expect(root(ROOT_STATUS)).toBe(0);
    port.config.write16(0x04, 0x100);
    receive(0x0100, ERR.FATAL);
    expect(root(ROOT_STATUS)).toBe(0b101_0100);
  });

  it('interrupts by MSI when a kind that Root Error Command asks for is there and none was before', () => {
    receive(0x0100, ERR.COR);
    expect(interrupts).toEqual([]);
    port.config.write32(AER + COMMAND, 0b010);
    receive(0x0100, ERR.COR);
    expect(interrupts).toEqual([]);
    receive(0x0100, ERR.NONFATAL);
    expect(interrupts).toEqual([[0x0008, 0xfee0_1000, 0x41]]);
    receive(0x0100, ERR.NONFATAL);
    expect(interrupts.length).toBe(1);
    port.config.write32(AER + ROOT_STATUS, 0x7f);
    receive(0x0100, ERR.NONFATAL);
    expect(interrupts.length).toBe(2);
    port.config.write16(0x52, 0);
    port.config.write32(AER + ROOT_STATUS, 0x7f);
    receive(0x0100, ERR.NONFATAL);
    expect(interrupts.length).toBe(2);
  });

  it('does not interrupt without Bus Master Enable', () => {
    port.config.write32(AER + COMMAND, 0b001);
    port.config.write16(0x04, 0);
    receive(0x0100, ERR.COR);
    expect([interrupts.length, root(ROOT_STATUS)]).toEqual([0, 1]);
  });

  it('notes a masked interrupt as pending, and sends it once when it is unmasked', () => {
    const target = { message: (...args: [number, number, number]) => interrupts.push(args) };
    connectRootErrors(port, target);
    port.config.write32(AER + COMMAND, 0b001);
    port.config.write32(0x5c, 1);
    receive(0x0100, ERR.COR);
    expect([interrupts.length, port.config.read32(0x60)]).toEqual([0, 1]);
    port.config.write32(0x5c, 0);
    expect(interrupts).toEqual([[0x0008, 0xfee0_1000, 0x41]]);
    expect(port.config.read32(0x60)).toBe(0);
    port.sendError?.(port.routingId, ERR.COR);
    expect(root(ROOT_STATUS) & 3).toBe(3);
  });

  it('alone has registers for errors of others, and for error messages alone', () => {
    const target = { message: () => {} };
    const upstream = new BridgePort({ routingId: 0x0100, portType: PORT_UPSTREAM }).function;
    const before = upstream.config.read32(AER + ROOT_STATUS);
    expect(() => logRootError(upstream, 0x0200, ERR.COR, target)).toThrow(RangeError);
    expect(upstream.config.read32(AER + ROOT_STATUS)).toBe(before);
    const [pf] = new Endpoint({ functions: intel82599Config() }).functions;
    expect(() => logRootError(pf, 0x0200, ERR.COR, target)).toThrow('has no root error registers');
    expect(() => logRootError(port, 0x0200, 0x18, target)).toThrow('code must be one of');
    expect(root(ROOT_STATUS)).toBe(0);
  });
});
