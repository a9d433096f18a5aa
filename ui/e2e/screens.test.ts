import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { raise, type Stage } from './harness'
import { DETAILS, PAGES } from './pages'

const FOLDER = process.env.SCREENS_DIR ?? ''
const SIZES = [{ width: 1280, height: 800 }, { width: 1920, height: 1080 }]

/** Pictures for people to look at; nothing is asserted, so it runs only where `SCREENS_DIR` says where to put them. */
describe.runIf(FOLDER !== '')('a picture', () => {
  let stage: Stage
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true })
    stage = await raise()
  })
  afterAll(() => stage.close())

  const cases = SIZES.flatMap(size => (['light', 'dark'] as const).flatMap(theme => (['empty', 'some', 'many'] as const).map(fleet => ({ size, theme, fleet }))))
  it.each(cases)('of every screen in $theme at $size.width with `$fleet`', async ({ size, theme, fleet }) => {
    const page = await stage.open(`?fleet=${fleet}&theme=${theme}`, { viewport: size, colorScheme: theme })
    for (const screen of [...PAGES, ...(fleet === 'some' ? DETAILS : [])]) {
      await page.goto(page.url().split('#')[0] + screen.hash)
      await page.evaluate(() => localStorage.removeItem('flightdeck.jobs.open'))
      await page.reload()
      if ('open' in screen) await page.click(screen.open)
      await page.waitForSelector(screen.ready)
      await page.waitForSelector('[data-testid=loading]', { state: 'detached' })
      await page.evaluate(() => Promise.allSettled(document.getAnimations().filter(one => one.effect?.getTiming().iterations !== Infinity).map(one => one.finished)))
      await page.screenshot({ path: join(FOLDER, `${screen.name}-${fleet}-${theme}-${size.width}.png`) })
    }
    await page.context().close()
  })
})
