import { afterEach, beforeEach, expect, vi } from 'vitest'

/** A warning that nobody expected is a failure: it is how Vue reports most mistakes. */
const said: string[] = []

beforeEach(() => {
  said.length = 0
  localStorage.clear()
  for (const level of ['warn', 'error'] as const) vi.spyOn(console, level).mockImplementation((...parts: unknown[]) => void said.push(`${level}: ${parts.map(String).join(' ')}`))
})

afterEach(() => {
  expect(said, 'nothing may be logged as a warning or an error').toEqual([])
})
