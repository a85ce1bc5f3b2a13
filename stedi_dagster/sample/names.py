"""The names of made-up people, drawn up for this project: any resemblance to a person is coincidental.

ASCII only, because they become email addresses; other letters are left to quirks.
"""

from typing import Final

_FIRST = """
    Ada Alma Amir Anouk Asha Bela Bruno Carla Chidi Cora Dario Della Edda Efua Elif Emil Enzo Fatou
    Femi Fiona Gita Goran Hana Hugo Ida Ilya Imani Ines Ivo Jonas Juno Kaia Kenji Lana Leif Lena
    Lior Luca Mabel Malik Mara Milo Mina Nadia Nils Noor Olga Omar Oskar Otis Petra Pia Priya Quinn
    Rafa Rhea Romy Rune Sana Selma Sven Tala Teo Thea Tomas Uma Vera Viggo Wanda Willa Xenia Yara
    Yusuf Zadie Zeno Zora
"""
_LAST = """
    Abbott Adeyemi Alder Amsel Barlow Becker Bloom Brandt Castell Cobb Crane Dahl Dorsey Dumas
    Eklund Ellery Falk Farrow Fenn Finch Garnet Gallo Greer Haddad Hale Hartley Hollis Ibarra Ishii
    Jansen Juarez Kaplan Keane Kimura Kovac Lark Laurent Lindqvist Lowe Marlow Mbeki Mercer Moreau
    Nakata Nash Novak Oduya Okafor Orlov Pace Pereira Quigley Rahimi Reyes Rossi Sadler Santos Sato
    Soto Stone Tanaka Thorne Tully Ueda Vance Varga Vogel Walsh Weiss Winter Xu Yates Yilmaz Zabel
    Ziegler
"""

FIRST_NAMES: Final = tuple(_FIRST.split())
LAST_NAMES: Final = tuple(_LAST.split())
