const WIDTH = 1280, HEIGHT = 720;

// A text that is too long for its slide, or code that is too wide, gets smaller letters; a figure keeps its size.
function fit() {
  const slide = Reveal.getCurrentSlide();
  for (let size = 100; size >= 50; size -= 2) {
    slide.style.fontSize = size + "%";
    if (slide.scrollHeight <= HEIGHT && slide.scrollWidth <= WIDTH) break;
  }
}

Reveal.on("ready", fit);
Reveal.on("slidechanged", fit);
Reveal.initialize({
  width: WIDTH,
  height: HEIGHT,
  margin: 0,
  center: false,
  hash: true,
  slideNumber: "c/t",
  transition: "none",
  defaultTiming: 60,
  plugins: [RevealNotes],
});
