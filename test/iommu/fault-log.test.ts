import { describe, expect, it } from 'vitest';
import { FAULT_PHRASES, FaultLog, FaultReason } from '../../src/iommu/index.ts';

describe('FaultLog', () => {
  it('gives records back in the order in which they were made, with the address of the page', () => {
    const log = new FaultLog(4);
    log.record(0x180, 0x1234, FaultReason.READ_NOT_PERMITTED, false);
    log.record(0x1fe, 0xffff_ffff_fabc, FaultReason.WRITE_NOT_PERMITTED, true);
    expect(log.length).toBe(2);
    expect(log.take()).toEqual({ sourceId: 0x180, address: 0x1000, reason: 6, isWrite: false });
    expect(log.take()).toEqual({ sourceId: 0x1fe, address: 0xffff_ffff_f000, reason: 5, isWrite: true });
    expect(log.take()).toBeUndefined();
  });

  it('loses what finds no record free, and notes the overflow', () => {
    const log = new FaultLog(2);
    expect(log.record(1, 0, 1, false)).toBe(true);
    expect(log.record(2, 0, 1, false)).toBe(true);
    expect(log.record(3, 0, 1, false)).toBe(false);
    expect(log.overflow).toBe(true);
    expect(log.lost).toBe(1);
  });

  it('records nothing while the overflow is noted, even if a record is free', () => {
    const log = new FaultLog(1);
    log.record(1, 0, 1, false);
    log.record(2, 0, 1, false);
    log.take();
    expect(log.record(3, 0, 1, false)).toBe(false);
    log.overflow = false;
    expect(log.record(4, 0, 1, false)).toBe(true);
    expect(log.take()?.sourceId).toBe(4);
  });

  it('has a phrase for each reason', () => {
    for (const reason of Object.values(FaultReason)) expect(FAULT_PHRASES[reason]).toMatch(/^(the|a) /);
  });

  it('refuses a size that no hardware has', () => {
    expect(() => new FaultLog(0)).toThrow(RangeError);
    expect(() => new FaultLog(257)).toThrow(RangeError);
  });
});
