// Takes pictures of pages in a browser. The task stands on standard input: see pictures.py.
'use strict';
const fs = require('fs');
const { pathToFileURL } = require('url');

async function main() {
  const task = JSON.parse(fs.readFileSync(0, 'utf8'));
  const { chromium } = require(task.playwright);
  const browser = await chromium.launch({ executablePath: task.browser, args: ['--no-sandbox'] });
  try {
    for (const { page: file, name, from, width, height } of task.pictures) {
      for (const colorScheme of ['light', 'dark']) {
        const page = await browser.newPage({ viewport: { width, height: 800 }, deviceScaleFactor: Math.min(1, task.most_width / width), colorScheme });
        await page.goto(pathToFileURL(file).href);
        // Where the picture begins: at the top, or at an element, which folded parts may hold.
        const top = from ? await page.locator(from).first().evaluate((element) => element.getBoundingClientRect().top + scrollY - 12) : 0;
        const end = await page.evaluate(() => Math.ceil(document.body.getBoundingClientRect().bottom + scrollY));
        const clip = { x: 0, y: top, width, height: Math.min(height, end - top) };
        await page.screenshot({ path: `${task.folder}/${name}-${colorScheme}.png`, clip, fullPage: true });
        await page.close();
      }
    }
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
