const HEIGHT = 720;

// A text that is too long for its slide gets smaller letters; its figures keep their share.
function fit() {
  const slide = Reveal.getCurrentSlide();
  for (let size = 100; size >= 50; size -= 2) {
    slide.style.fontSize = size + "%";
    if (slide.scrollHeight <= HEIGHT) break;
  }
}

Reveal.on("ready", fit);
Reveal.on("slidechanged", fit);
Reveal.initialize({
  width: 1280,
  height: HEIGHT,
  margin: 0,
  center: false,
  hash: true,
  slideNumber: "c/t",
  transition: "none",
  defaultTiming: 60,
  plugins: [RevealNotes],
});
